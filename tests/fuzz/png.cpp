// decode_png: the gate, zlib and stb_image. What is accepted has the size that its header says and decodes to
// the same pixels again; nothing takes more memory or time than it may.
#include <captcha/data/png.hpp>

#include "fuzz.hpp"
#include "png_parts.hpp"

#include <string_view>

using namespace captcha;
using fuzz::Bytes, fuzz::require;
using png_parts::number;

namespace {

constexpr std::size_t most_memory = std::size_t{8} << 20;  // what decode_png promises
constexpr double most_seconds = 0.1;  // 512 x 512 RGBA takes 0.01 s, and some five times that under ASan

/// Makes the CRC of every whole chunk right.
void repair(std::span<std::uint8_t> png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = big_endian32(png.subspan(at));
    if (length > png.size() - at - 12) return;
    Bytes crc;
    number(crc, ::crc32_z(0, png.data() + at + 4, length + 4));
    std::copy(crc.begin(), crc.end(), png.begin() + static_cast<std::ptrdiff_t>(at + 8 + length));
    at += length + 12;
  }
}

/// The same picture with other rows, compressed anew: a change that gets through the gate and zlib to stb.
/// Nothing where that would take long: in a large picture.
Bytes with_other_rows(std::span<const std::uint8_t> png, unsigned seed) {
  const PngParts parts = parse_png(png, "x");
  if (parts.inflated_size() > 10'000) return {};
  Bytes rows = inflate_png(parts, "x");
  const std::size_t size = rows.size();
  rows.resize(LLVMFuzzerMutate(rows.data(), size, size));
  if (seed % 16 != 0) rows.resize(size);  // now and then they are too few
  return png_parts::file({static_cast<std::size_t>(parts.width),
                          static_cast<std::size_t>(parts.height),
                          parts.depth,
                          parts.colour,
                          parts.interlaced,
                          {parts.colours.begin(), parts.colours.end()},
                          {parts.transparency.begin(), parts.transparency.end()}},
                         png_parts::compress(rows));
}

}  // namespace

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 4 == 0) {
    try {
      const Bytes made = with_other_rows({data, size}, seed / 4);
      if (!made.empty()) return fuzz::replace(data, size, most, made);
    } catch (const Error&) {
    }
  }
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 != 1) repair({data, size});
  return size;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const fuzz::Cost cost;
  try {
    const Image image = decode_png(bytes, "x.png");
    require(static_cast<std::uint32_t>(image.width) == big_endian32(bytes.subspan(16)) &&
                static_cast<std::uint32_t>(image.height) == big_endian32(bytes.subspan(20)),
            "the size is the header's");
    require(image.channels >= 1 && image.channels <= 4 &&
                image.pixels.size() == static_cast<std::size_t>(image.width) *
                                           static_cast<std::size_t>(image.height) *
                                           static_cast<std::size_t>(image.channels),
            "as many samples as the size says");
    require(cost.memory() < most_memory, "a picture takes less than 8 MiB");
    require(cost.time() < most_seconds, "a picture takes less than 250 ms of the processor");
    require(decode_png(bytes, "x.png").pixels == image.pixels, "the same pixels again");
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("x.png: "), "a message names the file");
    require(cost.memory() < most_memory, "a refusal takes less than 8 MiB");
    require(cost.time() < most_seconds, "a refusal takes less than 250 ms of the processor");
  }
  return 0;
}
