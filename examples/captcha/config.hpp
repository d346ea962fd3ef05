// A TOML file and the options of a command line as one set of settings: the file may name every option, what
// the command line says wins.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>

namespace captcha::app {

/// Gives a subcommand's options that were not on the command line the values that the file has for them.
/// Error that names file and line when the file cannot be read or names something that is no option.
inline void apply_config(CLI::App& command, const std::filesystem::path& path) {
  toml::table table;
  try {
    table = toml::parse_file(path.string());
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    throw Error(path.string() + (line > 0 ? ":" + std::to_string(line) : "") + ": " +
                std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string where = path.string() + ":" + std::to_string(node.source().begin.line) + ": ";
    CLI::Option* option = command.get_option_no_throw("--" + name);
    if (!option || name == "config" || name == "help")
      throw Error(where + "'" + name + "' is no option of `captcha " + command.get_name() + "`");
    if (option->count() > 0) continue;
    std::string value;
    if (const auto text = node.value_exact<std::string>())
      value = *text;
    else if (const auto flag = node.value_exact<bool>())
      value = *flag ? "true" : "false";
    else if (const auto whole = node.value_exact<std::int64_t>())
      value = std::to_string(*whole);
    else if (const auto real = node.value_exact<double>())
      value = json_number(*real);
    else
      throw Error(where + "'" + name + "' must be a text, a number, true or false");
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Error(where + error.what());
    }
  }
}

/// Every option of a subcommand with the value it has, as TOML.
inline std::string resolved_config(const CLI::App& command) {
  toml::table table;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "config" || name == "help" || name == "resume" || name == "quiet") continue;
    std::string text;
    if (option->count() > 0)
      option->results(text);
    else
      text = option->get_default_str();
    if (text == "true" || text == "false") {
      table.insert(name, text == "true");
      continue;
    }
    const char* const end = text.data() + text.size();
    std::int64_t whole = 0;
    double real = 0;
    if (const auto r = std::from_chars(text.data(), end, whole); r.ec == std::errc{} && r.ptr == end)
      table.insert(name, whole);
    else if (const auto f = std::from_chars(text.data(), end, real); f.ec == std::errc{} && f.ptr == end)
      table.insert(name, real);
    else
      table.insert(name, text);
  }
  std::ostringstream out;
  out << table << "\n";
  return out.str();
}

}  // namespace captcha::app
