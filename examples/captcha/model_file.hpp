// Reads model files, and refuses those that are for something else.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>

#include "paths.hpp"

#include <cstdio>
#include <filesystem>
#include <string>

namespace captcha::app {

/// What the model files of the two networks say of their architecture.
inline constexpr const char* character_architecture = "resnet18";
inline constexpr const char* solver_architecture = "resnet18-5heads";

/// A model file that a person named. Error when it is damaged, or a folder.
inline SafetensorsFile read_model(const std::filesystem::path& path) {
  if (is_folder(path))
    throw Error(path.string() + ": a folder, expected a model file, such as " +
                (path / "final.safetensors").string());
  return SafetensorsFile::read(path);
}

/// What a model file says of its architecture; nothing where it says nothing. Error as of read_model.
inline std::string architecture_of(const std::filesystem::path& model) {
  const SafetensorsFile file = read_model(model);
  const auto found = file.metadata().find("captcha.architecture");
  return found == file.metadata().end() ? "" : found->second;
}

/// Says so on standard error when a file has no hashes, which only other programs write.
inline void note_integrity(const SafetensorsFile& file, const std::filesystem::path& path) {
  if (file.integrity() == Integrity::absent)
    std::fprintf(stderr, "note: %s: no hashes, so its integrity cannot be checked\n", path.c_str());
}

/// A trained network from a model file of which `wanted` is expected. Error when the file is damaged or holds
/// a model for something else.
template <class Net>
Weights<Net> load_model(const std::filesystem::path& path, const ModelInfo& wanted) {
  const SafetensorsFile file = read_model(path);
  const ModelInfo info = model_info(file, path.string());
  const auto require = [&](bool fits, const std::string& what, const std::string& got,
                           const std::string& expected) {
    if (!fits)
      throw Error(path.string() + ": its " + what + " is " + got + ", this program reads " + expected);
  };
  if (info.architecture == solver_architecture && wanted.architecture == character_architecture)
    throw Error(
        path.string() +
        ": reads whole CAPTCHAs, not single characters; use it with `captcha solve` or `captcha serve "
        "--solver`, or give a model of `captcha train`");
  if (info.architecture == character_architecture && wanted.architecture == solver_architecture)
    throw Error(
        path.string() +
        ": reads single characters, not whole CAPTCHAs; use it with `captcha predict`, or give a model of "
        "`captcha train-solver`");
  require(info.architecture == wanted.architecture, "architecture", info.architecture, wanted.architecture);
  require(info.input == wanted.input, "input", to_string(info.input), to_string(wanted.input));
  require(info.normalisation == wanted.normalisation, "normalisation", info.normalisation,
          wanted.normalisation);
  const auto joined = [](const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += name;
    return all;
  };
  require(info.classes == wanted.classes, "list of classes",
          info.classes.size() == wanted.classes.size() ? joined(info.classes)
                                                       : std::to_string(info.classes.size()) + " names",
          joined(wanted.classes));
  Weights<Net> weights = Weights<Net>::zeros();
  load_weights(file, path.string(), weights,
               {.prefix = file.metadata().contains("captcha.checkpoint") ? "weights/" : ""});
  note_integrity(file, path);
  return weights;
}

}  // namespace captcha::app
