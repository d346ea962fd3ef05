// Packed weights in a file: a program that only predicts maps it into memory and starts in milliseconds,
// because nothing is read, copied or folded that the prediction itself does not ask for.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/model/packed_weights.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace captcha {

/// The version of the order in which weights are packed. The same on every machine.
inline constexpr int packed_format = 1;

/// What files call T.
template <class T>
inline constexpr Dtype dtype_of = std::is_same_v<T, BFloat16> ? Dtype::bf16
                                  : std::is_same_v<T, float>  ? Dtype::f32
                                                              : Dtype::f64;

/// Writes packed weights as a safetensors file of one tensor, with hashes. `metadata` is written along; see
/// to_metadata.
template <class Net, Shape S, class T>
void save_packed(const std::filesystem::path& path, const PackedWeights<Net, S, T>& weights,
                 std::map<std::string, std::string> metadata = {}) {
  metadata["captcha.packed"] = std::to_string(packed_format);
  metadata["captcha.fingerprint"] = fingerprint<Net>();
  metadata["captcha.input"] = to_string(S);
  metadata["captcha.weights"] = info(dtype_of<T>).name;
  const auto values = weights.values();
  const std::array<SafeTensor, 1> tensors{
      SafeTensor{"packed", dtype_of<Widened<T>>, {values.size()}, std::as_bytes(values)}};
  write_safetensors(path, tensors, std::move(metadata));
}

/// Packed weights from a file that was read or is viewed; they keep it. `name` is what messages call it.
template <class Net, Shape S, class T = float>
PackedWeights<Net, S, T> packed_from(std::shared_ptr<const SafetensorsFile> file, const std::string& name) {
  const auto require = [&](const char* key, const std::string& wanted, const std::string& what,
                           const std::string& without = "nothing") {
    const auto found = file->metadata().find(key);
    const std::string got = found == file->metadata().end() ? without : found->second;
    if (got != wanted)
      throw Error(name + ": its " + what + " is " + got + ", expected " + wanted +
                  "; pack the weights again, with save_packed");
  };
  require("captcha.packed", std::to_string(packed_format), "version of packed weights");
  require("captcha.fingerprint", fingerprint<Net>(), "network's fingerprint");
  require("captcha.input", to_string(S), "input");
  const SafeTensor* const tensor = file->find("packed");
  // The first files did not say.
  require("captcha.weights", std::string(info(dtype_of<T>).name), "form of weights",
          tensor ? std::string(info(tensor->dtype).name) : "nothing");
  using Value = Widened<T>;
  if (!tensor || !holds<Value>(*tensor) ||
      tensor->bytes.size() != sizeof(Value) * PackedWeights<Net, S, T>::size ||
      reinterpret_cast<std::uintptr_t>(tensor->bytes.data()) % alignof(Value) != 0)
    throw Error(name + ": no tensor 'packed' of " + std::to_string(PackedWeights<Net, S, T>::size) +
                " aligned values; pack the weights again");
  const auto* const values = reinterpret_cast<const Value*>(tensor->bytes.data());
  return PackedWeights<Net, S, T>(std::shared_ptr<const Value>(std::move(file), values));
}

/// Maps what save_packed wrote; the values stay in the file (see MappedFile). Throws Error when the file is
/// damaged, holds no packed weights, or those of another network, input, form or version.
template <class Net, Shape S, class T = float>
PackedWeights<Net, S, T> load_packed(const std::filesystem::path& path) {
  return packed_from<Net, S, T>(std::make_shared<const SafetensorsFile>(SafetensorsFile::read(path)),
                                path.string());
}

/// The same from bytes that lie in memory as long as the program runs: see io/embedded.hpp.
template <class Net, Shape S, class T = float>
PackedWeights<Net, S, T> view_packed(std::span<const std::byte> bytes, const std::string& name) {
  return packed_from<Net, S, T>(std::make_shared<const SafetensorsFile>(SafetensorsFile::view(bytes, name)),
                                name);
}

}  // namespace captcha
