// Reads PNG files, and has the two changes an image may need on its way: to grey, to another size.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/regular_file.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/image_error.hpp>
#include <captcha/data/png_gate.hpp>
#include <captcha/data/png_writer.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#if CAPTCHA_DEFINED_HERE
#include <captcha/data/stb.hpp>

#include <zlib.h>
#endif

namespace captcha {

/// All bytes of an image file. Throws ImageError if it is no regular file, cannot be read, or is above 4 MiB.
CAPTCHA_INLINE std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path);

/// Inflates the pixel rows. They count only if their length is exact, the checksum behind them is right and
/// nothing follows it.
CAPTCHA_INLINE std::vector<std::uint8_t> inflate_png(const PngParts& parts, std::string_view name);

/// The smallest PNG around rows that are already inflated and checked. Palette indices go as grey samples.
/// stb reads no checksums, so zeros stand for them.
CAPTCHA_INLINE std::vector<std::uint8_t> pack_for_stb(const PngParts& parts,
                                                      std::span<const std::uint8_t> rows);

/// Puts the palette's colours for grey samples that are indices, scaled to 0..255 as grey samples are.
CAPTCHA_INLINE Image look_up_palette(const PngParts& parts, const Image& indices, std::string_view name);

/// Decodes a PNG; `name` is what messages call it. Takes grey, RGB and palette pictures of 1 to 8 bits per
/// sample, with or without alpha or interlace, of 1 to 512 pixels a side. Samples of fewer bits are scaled to
/// 0..255, a palette becomes RGB, transparency becomes an alpha channel. 16 bits per sample are refused.
/// A damaged, cut or hostile file throws ImageError and takes less than 8 MiB of memory to find out.
CAPTCHA_INLINE Image decode_png(std::span<const std::uint8_t> bytes, std::string_view name);

/// Reads a PNG file of at most 4 MiB, going by its content and not by its name; see decode_png. A JPEG is
/// refused with a message that says how to convert it, because its decoder is opt-in: see
/// <captcha/data/jpeg.hpp>.
CAPTCHA_INLINE Image read_png(const std::filesystem::path& path);

/// One grey channel: alpha is laid over white, then luma = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
CAPTCHA_INLINE Image to_grey(const Image& image);

/// The image at another size, by a triangle filter as wide as a pixel of the coarser grid: bilinear when it
/// grows, an average over the covered area when it shrinks (so thin strokes fade but never vanish).
CAPTCHA_INLINE Image resize(const Image& image, int height, int width);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::vector<std::uint8_t> read_image_file(const std::filesystem::path& path) {
  try {
    const RegularFile file(path);
    if (file.size() > max_image_file)
      throw ImageError(ImageFault::size, path.string() + ": " + std::to_string(file.size()) +
                                             " bytes, expected an image of at most " +
                                             std::to_string(max_image_file));
    std::vector<std::uint8_t> bytes(file.size());
    file.read(bytes);
    return bytes;
  } catch (const ImageError&) {
    throw;
  } catch (const Error& error) {
    throw ImageError(ImageFault::unreadable, error.what());
  }
}

CAPTCHA_INLINE std::vector<std::uint8_t> inflate_png(const PngParts& parts, std::string_view name) {
  std::vector<std::uint8_t> rows(parts.inflated_size());
  ::uLong read = parts.compressed.size();
  ::uLongf inflated = rows.size();
  const int result = ::uncompress2(rows.data(), &inflated, parts.compressed.data(), &read);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK || inflated != rows.size() || read != parts.compressed.size())
    refuse_png(name, ImageFault::damaged,
               "damaged PNG: its compressed pixels are broken; save the picture again");
  return rows;
}

CAPTCHA_INLINE std::vector<std::uint8_t> pack_for_stb(const PngParts& parts,
                                                      std::span<const std::uint8_t> rows) {
  std::vector<std::uint8_t> png{137, 80, 78, 71, 13, 10, 26, 10};
  const auto number = [&](std::size_t value, std::initializer_list<int> shifts) {
    for (const int shift : shifts) png.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  const auto chunk = [&](std::string_view type, std::size_t length) {
    number(length, {24, 16, 8, 0});
    png.insert(png.end(), type.begin(), type.end());
  };
  const auto no_checksum = [&] { png.insert(png.end(), 4, 0); };

  const bool indexed = parts.colour == PngParts::palette;
  chunk("IHDR", 13);
  number(static_cast<std::size_t>(parts.width), {24, 16, 8, 0});
  number(static_cast<std::size_t>(parts.height), {24, 16, 8, 0});
  for (const int byte :
       {parts.depth, indexed ? int{PngParts::grey} : int{parts.colour}, 0, 0, int{parts.interlaced}})
    png.push_back(static_cast<std::uint8_t>(byte));
  no_checksum();
  if (!indexed && !parts.transparency.empty()) {
    chunk("tRNS", parts.transparency.size());
    png.insert(png.end(), parts.transparency.begin(), parts.transparency.end());
    no_checksum();
  }
  constexpr std::size_t most = 65535;  // bytes in a stored block of deflate
  const std::size_t stream = 2 + rows.size() + 5 * ((rows.size() + most - 1) / most);
  png.reserve(png.size() + stream + 32);  // and not twice as much
  chunk("IDAT", stream);
  number(0x7801, {8, 0});
  for (std::size_t at = 0; at < rows.size(); at += most) {
    const std::size_t length = std::min(most, rows.size() - at);
    png.push_back(at + length == rows.size() ? 1 : 0);
    number(length, {0, 8});
    number(~length, {0, 8});
    png.insert(png.end(), rows.begin() + static_cast<std::ptrdiff_t>(at),
               rows.begin() + static_cast<std::ptrdiff_t>(at + length));
  }
  no_checksum();
  chunk("IEND", 0);
  no_checksum();
  return png;
}

CAPTCHA_INLINE Image look_up_palette(const PngParts& parts, const Image& indices, std::string_view name) {
  const int scale = 255 / ((1 << parts.depth) - 1);
  Image image{indices.height, indices.width, parts.transparency.empty() ? 3 : 4, {}};
  image.pixels.reserve(indices.pixels.size() * static_cast<std::size_t>(image.channels));
  for (const std::uint8_t sample : indices.pixels) {
    const auto index = static_cast<std::size_t>(sample / scale);
    if (index * 3 >= parts.colours.size())
      refuse_png(name, ImageFault::damaged,
                 "damaged PNG: a pixel has colour " + std::to_string(index) + ", but the palette has only " +
                     std::to_string(parts.colours.size() / 3));
    for (std::size_t channel = 0; channel < 3; ++channel)
      image.pixels.push_back(parts.colours[index * 3 + channel]);
    if (image.channels == 4)
      image.pixels.push_back(index < parts.transparency.size() ? parts.transparency[index] : 255);
  }
  return image;
}

CAPTCHA_INLINE Image decode_png(std::span<const std::uint8_t> bytes, std::string_view name) {
  PngParts parts = parse_png(bytes, name);
  const std::vector<std::uint8_t> png = pack_for_stb(parts, inflate_png(parts, name));
  std::vector<std::uint8_t>().swap(parts.compressed);  // up to 4 MiB, before stb takes its own
  Image image;
  stb::png::stbi__g_failure_reason = "outofmem";  // what stb does not say of every allocation that fails
  const std::unique_ptr<stb::stbi_uc, void (*)(void*)> pixels(
      stb::png::stbi_load_from_memory(png.data(), static_cast<int>(png.size()), &image.width, &image.height,
                                      &image.channels, 0),
      stb::png::stbi_image_free);
  const std::string_view reason = stb::png::stbi_failure_reason();
  if (!pixels && reason == "outofmem") throw std::bad_alloc();
  if (!pixels) refuse_png(name, ImageFault::damaged, "damaged PNG: " + std::string(reason));
  image.pixels.assign(
      pixels.get(), pixels.get() + static_cast<std::ptrdiff_t>(image.width) * image.height * image.channels);
  return parts.colour == PngParts::palette ? look_up_palette(parts, image, name) : image;
}

CAPTCHA_INLINE Image read_png(const std::filesystem::path& path) {
  return decode_png(read_image_file(path), path.string());
}

CAPTCHA_INLINE Image to_grey(const Image& image) {
  Image grey{image.height, image.width, 1, {}};
  grey.pixels.reserve(image.pixels.size() / static_cast<std::size_t>(image.channels));
  const bool has_alpha = image.channels % 2 == 0;
  for (auto pixel = image.pixels.begin(); pixel != image.pixels.end(); pixel += image.channels) {
    const int luma = image.channels < 3 ? pixel[0] * 1000 : 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2];
    const int alpha = has_alpha ? pixel[image.channels - 1] : 255;
    grey.pixels.push_back(
        static_cast<std::uint8_t>((luma * alpha + 255'000 * (255 - alpha) + 127'500) / 255'000));
  }
  return grey;
}

CAPTCHA_INLINE Image resize(const Image& image, int height, int width) {
  if (height < 1 || width < 1 || image.height < 1 || image.width < 1)
    throw Error("resize: from " + std::to_string(image.height) + " x " + std::to_string(image.width) +
                " to " + std::to_string(height) + " x " + std::to_string(width) +
                " pixels, expected at least 1 x 1");
  // Resamples the middle axis of [outer][count][inner] to `wanted` values.
  const auto along = [](const std::vector<float>& from, int outer, int count, int inner, int wanted) {
    std::vector<float> to(static_cast<std::size_t>(outer) * static_cast<std::size_t>(wanted) *
                          static_cast<std::size_t>(inner));
    const float step = static_cast<float>(count) / static_cast<float>(wanted);
    const float reach = std::max(step, 1.0f);
    for (int i = 0; i < wanted; ++i) {
      const float centre = (static_cast<float>(i) + 0.5f) * step - 0.5f;
      const int first = std::max(0, static_cast<int>(std::ceil(centre - reach)));
      const int last = std::min(count - 1, static_cast<int>(std::floor(centre + reach)));
      float sum = 0;
      for (int j = first; j <= last; ++j) sum += reach - std::abs(static_cast<float>(j) - centre);
      for (int j = first; j <= last; ++j) {
        const float share = (reach - std::abs(static_cast<float>(j) - centre)) / sum;
        for (int o = 0; o < outer; ++o)
          for (int k = 0; k < inner; ++k)
            to[static_cast<std::size_t>((o * wanted + i) * inner + k)] +=
                share * from[static_cast<std::size_t>((o * count + j) * inner + k)];
      }
    }
    return to;
  };
  const std::vector<float> start(image.pixels.begin(), image.pixels.end());
  const std::vector<float> rows = along(start, 1, image.height, image.width * image.channels, height);
  const std::vector<float> done = along(rows, height, image.width, image.channels, width);
  Image resized{height, width, image.channels, {}};
  resized.pixels.reserve(done.size());
  for (const float value : done)
    resized.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)));
  return resized;
}
#endif

}  // namespace captcha
