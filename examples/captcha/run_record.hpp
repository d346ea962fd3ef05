// What a training run left in its folder, read back.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>
#include <captcha/train/log.hpp>

#include <toml++/toml.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace captcha::app {

/// The text of a file. Throws Error.
inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || file.bad()) throw Error(path.string() + ": cannot be read");
  return text.str();
}

struct RunRecord {
  std::string name;  ///< as it was given
  std::filesystem::path model;
  std::vector<EpochRecord> history{};
  std::map<std::string, std::string> settings{};  ///< of config.toml

  /// A setting; nothing when there is none of that name.
  std::string setting(const std::string& key) const {
    const auto found = settings.find(key);
    return found == settings.end() ? "" : found->second;
  }
};

/// Throws Error when the folder holds no model, or a file that is not as `captcha train` writes it.
inline RunRecord read_run(const std::filesystem::path& folder) {
  if (!is_folder(folder))
    throw Error(folder.string() + (is_there(folder) ? ": a file" : ": no such folder") +
                ", expected a folder that `captcha train --out` wrote");
  RunRecord run{.name = folder.string(), .model = folder / "final.safetensors"};
  // A run that is under way, or was stopped, has its best epoch so far.
  if (!is_there(run.model)) run.model = folder / "best.safetensors";
  if (!is_there(run.model))
    throw Error(folder.string() +
                ": no final.safetensors and no best.safetensors, expected a run with at least one epoch");
  if (const auto path = folder / "metrics.jsonl"; is_there(path)) {
    std::istringstream lines(read_text(path));
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      JsonReader reader(line, std::size_t{1} << 16, path.string() + ":" + std::to_string(++number));
      run.history.push_back(read_record(reader));
      reader.finish();
    }
  }
  if (const auto path = folder / "config.toml"; is_there(path)) try {
      for (const auto& [key, node] : toml::parse_file(path.string())) {
        std::ostringstream value;
        if (const auto text = node.value_exact<std::string>())
          value << *text;
        else if (const auto real = node.value_exact<double>())
          value << shortest_digits(*real);
        else
          node.visit([&](const auto& typed) { value << typed; });
        run.settings[std::string(key.str())] = value.str();
      }
    } catch (const toml::parse_error& error) {
      throw Error(path.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
    }
  return run;
}

}  // namespace captcha::app
