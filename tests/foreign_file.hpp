// Safetensors files as other programs write them: without hashes, and not by our writer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

struct ForeignTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

/// Eight bytes of length, the header, the data. `metadata` is JSON, or empty for none.
inline void write_foreign(const std::filesystem::path& path, const std::vector<ForeignTensor>& tensors,
                          const std::string& metadata = "") {
  std::string header = metadata.empty() ? "{" : "{\"__metadata__\": " + metadata + ", ";
  std::size_t at = 0;
  for (const ForeignTensor& tensor : tensors) {
    std::string shape;
    for (const std::size_t extent : tensor.shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    const std::size_t end = at + 4 * tensor.values.size();
    header += (at == 0 ? "" : ", ") + ("\"" + tensor.name) + "\": {\"data_offsets\": [" + std::to_string(at) +
              ", " + std::to_string(end) + "], \"shape\": [" + shape + "], \"dtype\": \"F32\"}";
    at = end;
  }
  header += "}";
  std::ofstream file(path, std::ios::binary);
  for (int byte = 0; byte < 8; ++byte)
    file.put(static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * byte) & 255));
  file << header;
  for (const ForeignTensor& tensor : tensors)
    file.write(reinterpret_cast<const char*>(tensor.values.data()),
               static_cast<std::streamsize>(4 * tensor.values.size()));
}
