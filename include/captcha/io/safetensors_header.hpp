// The header of a safetensors file: JSON that names each tensor, its type, its shape and where its bytes lie.
// Format: https://github.com/huggingface/safetensors#format
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/safe_tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha {

inline constexpr std::size_t max_safetensors_header = 100'000'000;  ///< bytes; the format's own limit

/// Where a tensor's bytes lie: [begin, end) of the data behind the header.
struct DataRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t tensor = 0;  ///< its index in the header
};

struct SafetensorsHeader {
  std::vector<SafeTensor> tensors;  ///< still without their bytes
  std::vector<DataRange> ranges;
  std::map<std::string, std::string> metadata;
};

/// Reads one tensor's description: its type, its shape and where its bytes lie.
CAPTCHA_INLINE void parse_tensor(JsonReader& json, std::string name, SafetensorsHeader& header);

/// Reads a header's text; `file` is the file's name for messages. What it returns, with an index over the
/// names, takes at most `memory` bytes. Throws Error; does not look at where the bytes lie.
CAPTCHA_INLINE SafetensorsHeader parse_safetensors_header(std::string_view text, std::size_t memory,
                                                          const std::string& file);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void parse_tensor(JsonReader& json, std::string name, SafetensorsHeader& header) {
  SafeTensor& entry = header.tensors.emplace_back();
  DataRange& range = header.ranges.emplace_back();
  range.tensor = header.ranges.size() - 1;
  entry.name = std::move(name);
  const auto fail = [&](const std::string& what) { json.fail("tensor " + shown(entry.name) + ": " + what); };
  constexpr std::array<std::string_view, 3> keys{"dtype", "shape", "data_offsets"};
  std::array<bool, 3> seen{};
  json.members([&](const std::string& key) {
    const auto which = static_cast<std::size_t>(std::ranges::find(keys, key) - keys.begin());
    if (which == keys.size()) fail("unknown entry " + shown(key));
    if (std::exchange(seen[which], true)) fail(key + " is there twice");
    if (which == 0) {
      const std::string type = json.string();
      const auto found = std::ranges::find(dtype_infos, type, &DtypeInfo::name);
      if (found == dtype_infos.end()) fail("unknown dtype " + shown(type));
      entry.dtype = static_cast<Dtype>(found - dtype_infos.begin());
    } else if (which == 1) {
      entry.shape = json.numbers(max_tensor_axes);
    } else {
      const std::vector<std::size_t> offsets = json.numbers(2);
      if (offsets.size() != 2) fail("data_offsets must be two numbers");
      range.begin = offsets[0];
      range.end = offsets[1];
    }
  });
  if (seen != std::array{true, true, true}) fail("dtype, shape or data_offsets is missing");
}

CAPTCHA_INLINE SafetensorsHeader parse_safetensors_header(std::string_view text, std::size_t memory,
                                                          const std::string& file) {
  constexpr std::size_t tensor_cost =
      sizeof(SafeTensor) + sizeof(DataRange) + sizeof(std::size_t);  // and an index
  constexpr std::size_t metadata_cost = 128;                         // a node of the map
  JsonReader json(text, memory, file + ": damaged safetensors header");
  SafetensorsHeader header;
  // Each tensor takes a brace and at least 50 characters: so many entries are enough for all.
  const auto braces = static_cast<std::size_t>(std::ranges::count(text, '{'));
  const std::size_t most = std::min(braces, text.size() / 50 + 1);
  json.charge(most * tensor_cost);
  header.tensors.reserve(most);
  header.ranges.reserve(most);
  bool has_metadata = false;
  json.members([&](std::string key) {
    if (key != "__metadata__") {
      parse_tensor(json, std::move(key), header);
      return;
    }
    if (std::exchange(has_metadata, true)) json.fail("__metadata__ is there twice");
    json.members([&](std::string name) {
      json.charge(metadata_cost);
      if (!header.metadata.try_emplace(std::move(name), json.string()).second)
        json.fail("metadata " + shown(name) + " is there twice");
    });
  });
  json.finish();
  return header;
}
#endif

}  // namespace captcha
