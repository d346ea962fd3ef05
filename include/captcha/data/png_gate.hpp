// The gate before the PNG decoder: takes a PNG file apart and lets nothing through that is damaged, oversized
// or unusual. stb_image checks no CRC, believes every size and ignores surplus data; this does not.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/image_error.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

inline constexpr int max_image_side = 512;                           ///< pixels
inline constexpr std::size_t max_image_file = std::size_t{4} << 20;  ///< bytes

/// What a PNG file holds, after every chunk was found whole and in its place.
struct PngParts {
  enum Colour : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgba = 6 };

  int width = 0;
  int height = 0;
  int depth = 8;  ///< bits per sample: 1, 2, 4 or 8
  Colour colour = grey;
  bool interlaced = false;
  std::span<const std::uint8_t> colours;       ///< PLTE: red, green, blue of each entry
  std::span<const std::uint8_t> transparency;  ///< tRNS: alpha of palette entries, or one colour's samples
  std::vector<std::uint8_t> compressed;        ///< the zlib stream: all IDAT chunks together

  /// Samples of one pixel as stored: a palette index is one sample.
  int samples() const { return colour == rgb ? 3 : colour == rgba ? 4 : colour == grey_alpha ? 2 : 1; }

  /// Bytes that `compressed` must inflate to: each row of each pass is a filter byte and its packed samples.
  std::size_t inflated_size() const {
    struct Round {
      int x, y, step_x, step_y;
    };
    static constexpr std::array<Round, 7> adam7{
        {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
    static constexpr std::array<Round, 1> whole{{{0, 0, 1, 1}}};
    int total = 0;
    for (const Round& pass : interlaced ? std::span<const Round>(adam7) : std::span<const Round>(whole)) {
      const int columns = (width - pass.x + pass.step_x - 1) / pass.step_x;
      const int rows = (height - pass.y + pass.step_y - 1) / pass.step_y;
      if (columns > 0 && rows > 0) total += rows * (1 + (columns * samples() * depth + 7) / 8);
    }
    return static_cast<std::size_t>(total);
  }
};

/// Big-endian 32-bit number at the start of `bytes`.
inline std::uint32_t big_endian32(std::span<const std::uint8_t> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         std::uint32_t{bytes[3]};
}

[[noreturn]] inline void refuse_png(std::string_view name, ImageFault fault, const std::string& why) {
  throw ImageError(fault, std::string(name) + ": " + why);
}

/// Reads the 13 bytes of IHDR.
CAPTCHA_INLINE PngParts parse_png_header(std::span<const std::uint8_t> data, std::string_view name);

/// Takes a PNG file apart; `name` is the file's name for messages. The parts point into `bytes`.
/// Accepts 1 to 512 pixels a side and up to 8 bits per sample; every chunk must carry its right CRC-32, stand
/// where the standard wants it, and be one the standard lets a decoder skip or one this decoder knows.
/// Throws ImageError. Source: Portable Network Graphics, W3C 2003 (ISO/IEC 15948), clauses 5 and 11.
CAPTCHA_INLINE PngParts parse_png(std::span<const std::uint8_t> bytes, std::string_view name);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE PngParts parse_png_header(std::span<const std::uint8_t> data, std::string_view name) {
  const std::uint32_t width = big_endian32(data), height = big_endian32(data.subspan(4));
  if (width < 1 || height < 1 || width > max_image_side || height > max_image_side)
    refuse_png(name, ImageFault::size,
               std::to_string(width) + " x " + std::to_string(height) +
                   " pixels (width x height), expected 1 to " + std::to_string(max_image_side) +
                   " each; scale it down beforehand");
  const int depth = data[8], colour = data[9];
  if (depth == 16)
    refuse_png(name, ImageFault::unsupported,
               "16 bits per sample, expected at most 8; convert it to 8 bits beforehand");
  const bool small_depth = depth == 1 || depth == 2 || depth == 4;
  const bool known =
      (colour == PngParts::grey || colour == PngParts::palette)
          ? small_depth || depth == 8
          : (colour == PngParts::rgb || colour == PngParts::grey_alpha || colour == PngParts::rgba) &&
                depth == 8;
  if (!known || data[10] != 0 || data[11] != 0 || data[12] > 1)
    refuse_png(name, ImageFault::damaged,
               "damaged PNG: colour type " + std::to_string(colour) + " with " + std::to_string(depth) +
                   " bits, compression " + std::to_string(data[10]) + ", filter " + std::to_string(data[11]) +
                   ", interlace " + std::to_string(data[12]) + " is not a combination PNG knows");
  PngParts parts;
  parts.width = static_cast<int>(width);
  parts.height = static_cast<int>(height);
  parts.depth = depth;
  parts.colour = static_cast<PngParts::Colour>(colour);
  parts.interlaced = data[12] == 1;
  return parts;
}

CAPTCHA_INLINE PngParts parse_png(std::span<const std::uint8_t> bytes, std::string_view name) {
  static constexpr std::array<std::uint8_t, 8> signature{137, 80, 78, 71, 13, 10, 26, 10};
  if (bytes.size() > max_image_file)
    refuse_png(name, ImageFault::size,
               std::to_string(bytes.size()) + " bytes, expected at most " + std::to_string(max_image_file));
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
    refuse_png(name, ImageFault::not_png,
               "a JPEG, expected a PNG; convert it beforehand, or use read_jpeg of "
               "<captcha/data/jpeg.hpp> for files you trust");
  const bool cut = bytes.size() < signature.size();
  if (cut || !std::equal(signature.begin(), signature.end(), bytes.begin()))
    refuse_png(name,
               cut && std::equal(bytes.begin(), bytes.end(), signature.begin()) ? ImageFault::truncated
                                                                                : ImageFault::not_png,
               "not a PNG (its first 8 bytes are not the PNG signature)");

  PngParts parts;
  std::string previous;
  for (std::size_t at = signature.size(); previous != "IEND";) {
    const std::string where = " at byte " + std::to_string(at);
    const std::span<const std::uint8_t> rest = bytes.subspan(at);
    if (rest.size() < 12)
      refuse_png(name, ImageFault::truncated, "PNG cut short" + where + "; copy the file again");
    const std::size_t length = big_endian32(rest);
    if (length > rest.size() - 12)
      refuse_png(name, ImageFault::truncated,
                 "PNG cut short: a chunk of " + std::to_string(length) + " bytes" + where + ", but only " +
                     std::to_string(rest.size() - 12) + " are left; copy the file again");
    if (::crc32_z(0, rest.data() + 4, length + 4) != big_endian32(rest.subspan(8 + length)))
      refuse_png(name, ImageFault::crc,
                 "damaged PNG: wrong CRC in the chunk" + where + "; copy the file again");
    const std::string type(rest.begin() + 4, rest.begin() + 8);
    const std::span<const std::uint8_t> data = rest.subspan(8, length);
    const auto expect = [&](bool holds, const char* what) {
      if (!holds) refuse_png(name, ImageFault::damaged, "damaged PNG: chunk " + type + where + " " + what);
    };
    const bool before_pixels = parts.compressed.empty();
    for (const char letter : type)
      if (!((letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z')))
        refuse_png(name, ImageFault::damaged, "damaged PNG: a chunk's type is not four letters" + where);
    expect((type == "IHDR") == previous.empty(), "where IHDR must be the first chunk and the only one");

    if (type == "IHDR") {
      expect(length == 13, "is not 13 bytes long");
      parts = parse_png_header(data, name);
    } else if (type == "PLTE") {
      const bool may_be = parts.colour != PngParts::grey && parts.colour != PngParts::grey_alpha;
      const std::size_t most = parts.colour == PngParts::palette ? std::size_t{1} << parts.depth : 256;
      expect(may_be && before_pixels && parts.colours.empty() && parts.transparency.empty(),
             "is out of place");
      expect(length > 0 && length % 3 == 0 && length / 3 <= most, "has a wrong length");
      parts.colours = data;
    } else if (type == "tRNS") {
      const bool indexed = parts.colour == PngParts::palette;
      expect(before_pixels && parts.transparency.empty() &&
                 (indexed ? !parts.colours.empty() : parts.samples() % 2 == 1),
             "is out of place");
      expect(indexed ? length > 0 && length <= parts.colours.size() / 3
                     : length == 2 * static_cast<std::size_t>(parts.samples()),
             "has a wrong length");
      parts.transparency = data;
    } else if (type == "IDAT") {
      expect(before_pixels || previous == "IDAT", "is apart from the other IDAT chunks");
      expect(parts.colour != PngParts::palette || !parts.colours.empty(), "comes before the palette (PLTE)");
      parts.compressed.insert(parts.compressed.end(), data.begin(), data.end());
    } else if (type == "IEND") {
      expect(length == 0 && rest.size() == 12, "is not empty or not the end of the file");
      expect(!parts.compressed.empty(), "comes before any pixels (IDAT)");
    } else {
      expect((type[0] & 0x20) != 0, "is one this decoder does not know and must not skip");
    }
    previous = type;
    at += length + 12;
  }
  return parts;
}
#endif

}  // namespace captcha
