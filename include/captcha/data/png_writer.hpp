// Writes PNG files (Portable Network Graphics, W3C 2003, ISO/IEC 15948), deflated by zlib.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/image.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#if CAPTCHA_DEFINED_HERE
#include <zlib.h>

#include <fstream>
#endif

namespace captcha {

/// Encodes an image of 1 to 4 channels and 1 to 16384 pixels a side as PNG (what we draw ourselves may be
/// larger than what we read from others). The same image gives the same bytes, from the same zlib.
CAPTCHA_INLINE std::vector<std::uint8_t> encode_png(const Image& image);

/// Writes an image as a PNG file. It appears under its name only when it is whole. Unlike a checkpoint it is
/// not synced to the disk: it can be drawn again, and thousands at a time would take minutes.
CAPTCHA_INLINE void write_png(const std::filesystem::path& path, const Image& image);

#if CAPTCHA_DEFINED_HERE
/// What a byte is expected to be by PNG's filter 0 to 4: nothing, the byte to the left, the one above, their
/// mean, or the nearest of these and the one above left to left + above - above left (Paeth 1991).
inline int png_prediction(int filter, int left, int above, int above_left) {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) / 2;
    case 4: {
      const int estimate = left + above - above_left;
      const int to_left = std::abs(estimate - left), to_above = std::abs(estimate - above),
                to_corner = std::abs(estimate - above_left);
      return to_left <= to_above && to_left <= to_corner ? left : to_above <= to_corner ? above : above_left;
    }
    default:
      return 0;
  }
}

/// The rows as PNG stores them: each behind the number of its filter, of the five the one whose differences
/// are smallest in sum (clause 12.8).
inline std::vector<std::uint8_t> filtered_rows(const Image& image) {
  const std::size_t pixel = static_cast<std::size_t>(image.channels),
                    row = pixel * static_cast<std::size_t>(image.width);
  std::vector<std::uint8_t> all, best(row + 1), one(row + 1);
  all.reserve((row + 1) * static_cast<std::size_t>(image.height));
  for (std::size_t start = 0; start < image.pixels.size(); start += row) {
    long least = std::numeric_limits<long>::max();
    for (int filter = 0; filter <= 4; ++filter) {
      one[0] = static_cast<std::uint8_t>(filter);
      long sum = 0;
      for (std::size_t i = 0; i < row; ++i) {
        const std::uint8_t* const at = image.pixels.data() + start + i;
        const bool first = i < pixel, top = start == 0;
        const int expected = png_prediction(filter, first ? 0 : *(at - pixel), top ? 0 : *(at - row),
                                            first || top ? 0 : *(at - row - pixel));
        one[i + 1] = static_cast<std::uint8_t>(*at - expected);
        sum += std::abs(static_cast<std::int8_t>(one[i + 1]));
      }
      if (sum >= least) continue;
      least = sum;
      best.swap(one);
    }
    all.insert(all.end(), best.begin(), best.end());
  }
  return all;
}

CAPTCHA_INLINE std::vector<std::uint8_t> encode_png(const Image& image) {
  const auto in_range = [](int value, int most) { return value >= 1 && value <= most; };
  if (!in_range(image.height, 16384) || !in_range(image.width, 16384) || !in_range(image.channels, 4) ||
      image.pixels.size() != static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) *
                                 static_cast<std::size_t>(image.channels))
    throw Error(
        "encode_png: " + std::to_string(image.height) + " x " + std::to_string(image.width) + " x " +
        std::to_string(image.channels) + " image with " + std::to_string(image.pixels.size()) +
        " samples, expected 1 to 16384 rows and columns, 1 to 4 channels, and as many samples as they make");
  const std::vector<std::uint8_t> rows = filtered_rows(image);
  ::uLongf size = ::compressBound(rows.size());
  std::vector<std::uint8_t> deflated(size);
  if (::compress2(deflated.data(), &size, rows.data(), rows.size(), Z_DEFAULT_COMPRESSION) != Z_OK)
    throw std::bad_alloc();  // there is room for any result, so nothing else can be missing

  std::vector<std::uint8_t> png{137, 80, 78, 71, 13, 10, 26, 10};
  png.reserve(size + 64);
  const auto number = [&](std::size_t value) {
    for (const int shift : {24, 16, 8, 0}) png.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  const auto chunk = [&](std::string_view type, std::span<const std::uint8_t> data) {
    number(data.size());
    const std::size_t begin = png.size();
    png.insert(png.end(), type.begin(), type.end());
    png.insert(png.end(), data.begin(), data.end());
    number(::crc32_z(0, png.data() + begin, png.size() - begin));
  };
  std::vector<std::uint8_t> header;
  for (const int side : {image.width, image.height})
    for (const int shift : {24, 16, 8, 0}) header.push_back(static_cast<std::uint8_t>(side >> shift));
  constexpr std::uint8_t colour[] = {0, 4, 2, 6};  // grey, grey with alpha, RGB, RGBA
  for (const int byte : {8, int{colour[image.channels - 1]}, 0, 0, 0})
    header.push_back(static_cast<std::uint8_t>(byte));
  chunk("IHDR", header);
  chunk("IDAT", std::span(deflated).first(size));
  chunk("IEND", {});
  return png;
}

CAPTCHA_INLINE void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::uint8_t> bytes = encode_png(image);
  const std::filesystem::path unfinished = path.string() + ".part";
  std::ofstream out(unfinished, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(unfinished, path, failed);
  if (out && !failed) return;
  const std::string reason = failed ? failed.message() : std::strerror(errno);
  std::filesystem::remove(unfinished, failed);
  throw Error(path.string() + ": cannot be written: " + reason);
}
#endif

}  // namespace captcha
