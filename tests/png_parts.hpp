// PNG files made of parts, for tests that want other pictures than encode_png writes.
#pragma once

#include <captcha/data/png_gate.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace png_parts {

using Bytes = std::vector<std::uint8_t>;

inline void number(Bytes& out, std::size_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline void chunk(Bytes& out, std::string_view type, std::span<const std::uint8_t> data) {
  number(out, data.size());
  const std::size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  number(out, ::crc32_z(0, out.data() + begin, out.size() - begin));
}

inline Bytes compress(std::span<const std::uint8_t> bytes) {
  ::uLongf length = ::compressBound(bytes.size());
  Bytes stream(length);
  if (::compress2(stream.data(), &length, bytes.data(), bytes.size(), 9) != Z_OK)
    throw std::runtime_error("zlib cannot compress");
  stream.resize(length);
  return stream;
}

struct Picture {
  std::size_t width, height;
  int depth = 8;
  captcha::PngParts::Colour colour = captcha::PngParts::grey;
  bool interlaced = false;
  Bytes palette{}, transparency{};
  std::uint8_t fill = 0;  ///< every byte of the rows, filters among them: 0 to 4
};

/// `stream` instead of the compressed rows, where it is not empty.
inline Bytes file(const Picture& picture, std::span<const std::uint8_t> stream = {}) {
  Bytes header;
  number(header, picture.width);
  number(header, picture.height);
  for (const int value : {picture.depth, int{picture.colour}, 0, 0, int{picture.interlaced}})
    header.push_back(static_cast<std::uint8_t>(value));
  Bytes bytes{137, 80, 78, 71, 13, 10, 26, 10};
  chunk(bytes, "IHDR", header);
  if (!picture.palette.empty()) chunk(bytes, "PLTE", picture.palette);
  if (!picture.transparency.empty()) chunk(bytes, "tRNS", picture.transparency);
  Bytes made;
  if (stream.empty()) {
    made = compress(Bytes(captcha::parse_png_header(header, "picture").inflated_size(), picture.fill));
    stream = made;
  }
  while (!stream.empty()) {
    const std::size_t size = std::min(stream.size(), std::size_t{1} << 20);
    chunk(bytes, "IDAT", stream.first(size));
    stream = stream.subspan(size);
  }
  chunk(bytes, "IEND", {});
  return bytes;
}

}  // namespace png_parts
