// model_info: the input's lines are what the metadata of a model file says. What is accepted is written and
// read again as it was.
#include <captcha/io/model_info.hpp>
#include <captcha/layers.hpp>

#include "fuzz.hpp"

#include <array>

using namespace captcha;
using fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  if (!is_utf8(rest)) return -1;  // not even the header would be read; see the fuzzer of safetensors
  try {
    require(to_string(shape_from(rest)) == rest, "a shape is written as it was");
  } catch (const Error&) {
  }
  std::map<std::string, std::string> metadata;
  constexpr std::array keys{"captcha.format", "captcha.architecture", "captcha.normalisation",
                            "captcha.input", "captcha.classes"};
  for (const char* key : keys) {
    if (rest.empty()) break;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    metadata[key] = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const std::string bytes = fuzz::safetensors_bytes({}, metadata);
  const SafetensorsFile file = SafetensorsFile::view(fuzz::bytes_of(bytes), "x");
  try {
    const ModelInfo info = model_info(file, "x");
    const std::string written = fuzz::safetensors_bytes({}, to_metadata<Linear<4, 2>>(info));
    const ModelInfo again = model_info(SafetensorsFile::view(fuzz::bytes_of(written), "x"), "x");
    require(again.architecture == info.architecture && again.classes == info.classes &&
                again.normalisation == info.normalisation && again.input == info.input,
            "what is accepted is read again as it was");
  } catch (const Error&) {
  }
  return 0;
}
