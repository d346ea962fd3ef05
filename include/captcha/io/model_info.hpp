// What a model file says of its model besides the weights.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/model/weights.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// The version of what we write into the metadata of model files and checkpoints.
inline constexpr int model_format = 1;

/// Enough to use a model without being told anything else.
struct ModelInfo {
  std::string architecture;            ///< "resnet18", as the program that wrote the file calls it
  std::vector<std::string> classes{};  ///< names by class number
  std::string normalisation;           ///< "standardise": what was done to pixels before the network saw them
  Shape input{};                       ///< of one sample
};

/// 16 hexadecimal digits that change with any name or shape of a network's parameters and buffers.
CAPTCHA_INLINE std::string fingerprint(const std::vector<PlacedSlot>& slots);
template <class Net>
std::string fingerprint() {
  return fingerprint(slots_of<Net>());
}

/// The metadata of a model file of a network with these slots.
CAPTCHA_INLINE std::map<std::string, std::string> to_metadata(const ModelInfo& info,
                                                              const std::vector<PlacedSlot>& slots);
template <class Net>
std::map<std::string, std::string> to_metadata(const ModelInfo& info) {
  return to_metadata(info, slots_of<Net>());
}

/// "1 x 52 x 32" or "20", as to_string(Shape) writes them. Error on anything else.
CAPTCHA_INLINE Shape shape_from(std::string_view text);

/// Error that names the file when it is a model of a format that is not known here. Others' files have none.
CAPTCHA_INLINE void require_known_format(const SafetensorsFile& file, const std::string& name);

/// Reads it back. Error that names the file when it is not one of ours, of a newer format, or damaged.
CAPTCHA_INLINE ModelInfo model_info(const SafetensorsFile& file, const std::string& name);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string fingerprint(const std::vector<PlacedSlot>& slots) {
  std::string all;
  for (const PlacedSlot& placed : slots) {
    all += placed.name;
    for (std::size_t axis = 0; axis < 4; ++axis)
      all.append(" ").append(std::to_string(placed.slot.extent(axis)));
    all += "\n";
  }
  return hash_text({}, all);
}

CAPTCHA_INLINE std::map<std::string, std::string> to_metadata(const ModelInfo& info,
                                                              const std::vector<PlacedSlot>& slots) {
  std::string classes;
  for (const std::string& name : info.classes)
    classes.append(classes.empty() ? "[" : ",").append(json_string(name));
  return {{"captcha.format", std::to_string(model_format)},
          {"captcha.fingerprint", fingerprint(slots)},
          {"captcha.architecture", info.architecture},
          {"captcha.classes", classes.empty() ? "[]" : classes + "]"},
          {"captcha.normalisation", info.normalisation},
          {"captcha.input", to_string(info.input)}};
}

CAPTCHA_INLINE Shape shape_from(std::string_view text) {
  int sizes[3]{}, count = 0;
  bool digits = false, valid = true;
  for (const char letter : std::string(text) + " ") {
    if (letter >= '0' && letter <= '9' && count < 3) {
      valid = valid && sizes[count] < 100'000;
      sizes[count] = valid ? sizes[count] * 10 + (letter - '0') : 0;
      digits = true;
    } else if (digits) {
      ++count;
      digits = false;
    }
  }
  const Shape shape = count == 3 ? chw(sizes[0], sizes[1], sizes[2]) : flat(sizes[0]);
  if (!valid || to_string(shape) != text)
    throw Error("'" + std::string(text) + "' is no shape, expected one like 1 x 52 x 32");
  return shape;
}

CAPTCHA_INLINE void require_known_format(const SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata().find("captcha.format");
  if (found != file.metadata().end() && found->second != std::to_string(model_format))
    throw Error(name + ": model format " + found->second + ", this program knows format " +
                std::to_string(model_format) + "; use a newer one");
}

CAPTCHA_INLINE ModelInfo model_info(const SafetensorsFile& file, const std::string& name) {
  const auto& metadata = file.metadata();
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      throw Error(name + ": no '" + key +
                  "' in its metadata, so it was not written by captcha; "
                  "give it to --pretrained to start a training from it");
    return found->second;
  };
  value("captcha.format");
  require_known_format(file, name);
  ModelInfo info{value("captcha.architecture"), {}, value("captcha.normalisation"), {}};
  const std::string input = value("captcha.input");
  try {
    info.input = shape_from(input);
  } catch (const Error& error) {
    throw Error(name + ": its input: " + error.what());
  }
  const std::string classes = value("captcha.classes");
  JsonReader reader(classes, classes.size() + 1024, name + ": its class names");
  reader.items([&] { info.classes.push_back(reader.string()); });
  reader.finish();
  return info;
}
#endif

}  // namespace captcha
