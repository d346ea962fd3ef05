// The one place that says what the network reads: its type, its classes, its images, its preparation.
#pragma once

#include <captcha/data.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>

#include "glyph_table.hpp"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace captcha::app {

/// ResNet-18 for grey characters of 20 classes.
using Network = ResNet18<static_cast<int>(labels.size()), 1>;
inline constexpr Shape character = chw(1, 52, 32);
inline constexpr const char* architecture = "resnet18";
inline constexpr const char* normalisation = "standardise";

inline std::vector<std::string> class_names() {
  std::vector<std::string> names;
  for (const char label : labels) names.emplace_back(1, label);
  return names;
}

inline ModelInfo character_info() {
  return {architecture, class_names(), normalisation, character};
}

using Characters = ImageFolder<character>;

/// The labelled characters of a folder. `resize` accepts other sizes; bad files that are left out are named
/// on standard error.
inline Characters open_characters(const std::filesystem::path& folder, bool resize = false,
                                  BadFiles bad = BadFiles::fail) {
  if (!std::filesystem::is_directory(folder))
    throw Error(folder.string() + ": no such folder; `captcha generate --out " + folder.string() +
                " --count 5000` makes one");
  Characters characters(folder, {.classes = class_names(), .resize = resize, .bad = bad});
  for (const BadFile& file : characters.report())
    std::fprintf(stderr, "bad image: %s: %s\n", file.name.c_str(), file.reason.c_str());
  return characters;
}

/// Says so on standard error when a file has no hashes, which only other programs write.
inline void note_integrity(const SafetensorsFile& file, const std::filesystem::path& path) {
  if (file.integrity() == Integrity::absent)
    std::fprintf(stderr, "note: %s: no hashes, so its integrity cannot be checked\n", path.c_str());
}

/// A trained network from a model file. Error when the file is damaged or holds a model for something else.
inline Weights<Network> load_model(const std::filesystem::path& path) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  const ModelInfo info = model_info(file, path.string());
  const auto require = [&](bool fits, const std::string& what, const std::string& got,
                           const std::string& wanted) {
    if (!fits) throw Error(path.string() + ": its " + what + " is " + got + ", this program reads " + wanted);
  };
  require(info.architecture == architecture, "architecture", info.architecture, architecture);
  require(info.input == character, "input", to_string(info.input), to_string(character));
  require(info.normalisation == normalisation, "normalisation", info.normalisation, normalisation);
  std::string classes;
  for (const std::string& name : info.classes) classes += name;
  if (info.classes.size() != labels.size()) classes = std::to_string(info.classes.size()) + " names";
  require(info.classes == class_names(), "list of classes", classes,
          std::string(labels.begin(), labels.end()));
  Weights<Network> weights = Weights<Network>::zeros();
  load_weights(file, path.string(), weights,
               {.prefix = file.metadata().contains("captcha.checkpoint") ? "weights/" : ""});
  note_integrity(file, path);
  return weights;
}

}  // namespace captcha::app
