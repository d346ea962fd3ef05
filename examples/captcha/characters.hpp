// The one place that says what the network reads: its type, its classes, its images, its preparation.
#pragma once

#include <captcha/data.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>

#include "glyph_table.hpp"

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

/// The labelled characters of a folder. `resize` accepts other sizes.
inline Characters open_characters(const std::filesystem::path& folder, bool resize = false) {
  if (!std::filesystem::is_directory(folder))
    throw Error(folder.string() + ": no such folder; `captcha generate --out " + folder.string() +
                " --count 5000` makes one");
  return Characters(folder, {.classes = class_names(), .resize = resize});
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
  require(info.classes == class_names(), "list of classes", std::to_string(info.classes.size()) + " names",
          std::string(labels.begin(), labels.end()));
  Weights<Network> weights = Weights<Network>::zeros();
  load_weights(file, path.string(), weights,
               {.prefix = file.metadata().contains("captcha.checkpoint") ? "weights/" : ""});
  return weights;
}

}  // namespace captcha::app
