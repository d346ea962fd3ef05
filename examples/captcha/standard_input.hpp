// An image that comes over standard input.
#pragma once

#include <captcha/data/image_error.hpp>
#include <captcha/data/png.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace captcha::app {

/// All bytes of standard input, of at most as many as an image file may have; ImageError when there are more.
inline std::vector<std::uint8_t> standard_input() {
  std::vector<std::uint8_t> bytes(max_image_file + 1);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), stdin));
  if (std::ferror(stdin)) throw ImageError(ImageFault::unreadable, "standard input: cannot be read");
  if (bytes.size() > max_image_file)
    throw ImageError(ImageFault::size, "standard input: expected an image of at most " +
                                           std::to_string(max_image_file) + " bytes");
  return bytes;
}

}  // namespace captcha::app
