// Opt-in: reads JPEG files. Nothing else of the library includes this header, because the JPEG decoder of
// stb_image has open CVEs (it reads and writes out of bounds on crafted files), and JPEG has no checksum, so
// a damaged file may give wrong pixels. Use it for files you trust; convert anything else to PNG with another
// program.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/png.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#define CAPTCHA_STB_JPEG
#include <captcha/data/stb.hpp>
#undef CAPTCHA_STB_JPEG

namespace captcha {

/// Whether a file begins as JPEG files do.
inline bool is_jpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

/// Decodes a JPEG of at most 4 MiB and 512 pixels a side to 1 (grey) or 3 (RGB) channels; `name` is what
/// messages call it. Throws Error if it is not a JPEG, is cut short or cannot be decoded.
inline Image decode_jpeg(std::span<const std::uint8_t> bytes, std::string_view name) {
  const auto fail = [&](const std::string& why) { throw Error(std::string(name) + ": " + why); };
  if (bytes.size() > max_image_file)
    fail(std::to_string(bytes.size()) + " bytes, expected at most " + std::to_string(max_image_file));
  if (!is_jpeg(bytes)) fail("not a JPEG (it does not start with FF D8 FF)");
  if (bytes[bytes.size() - 2] != 0xFF || bytes[bytes.size() - 1] != 0xD9)
    fail("JPEG cut short (it does not end with FF D9); copy the file again");
  Image image;
  stb::jpeg::stbi__g_failure_reason = "outofmem";  // what stb does not say of every allocation that fails
  const std::unique_ptr<stb::stbi_uc, void (*)(void*)> pixels(
      stb::jpeg::stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &image.width,
                                       &image.height, &image.channels, 0),
      stb::jpeg::stbi_image_free);
  const std::string_view reason = stb::jpeg::stbi_failure_reason();
  if (!pixels && reason == "outofmem") throw std::bad_alloc();
  if (!pixels) fail("JPEG cannot be decoded: " + std::string(reason));
  image.pixels.assign(
      pixels.get(), pixels.get() + static_cast<std::ptrdiff_t>(image.width) * image.height * image.channels);
  return image;
}

/// Reads a JPEG file of at most 4 MiB; see decode_jpeg.
inline Image read_jpeg(const std::filesystem::path& path) {
  return decode_jpeg(read_image_file(path), path.string());
}

}  // namespace captcha
