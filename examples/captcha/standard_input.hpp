// An image that comes over standard input.
#pragma once

#include <captcha/data/image_error.hpp>
#include <captcha/data/png.hpp>

#include "progress.hpp"
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace captcha::app {

/// All bytes of standard input; ImageError when there are more than an image file may have. Throws
/// Interrupted.
inline std::vector<std::uint8_t> standard_input() {
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 65536> piece;
  while (bytes.size() <= max_image_file) {
    // A read goes on after a signal, and one that comes just before it would not be noticed.
    for (pollfd input{STDIN_FILENO, POLLIN, 0}; ::poll(&input, 1, 100) <= 0;) Interruptible::stop_if_asked();
    const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count == 0) return bytes;
    if (count > 0)
      bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
    else if (errno != EINTR && errno != EAGAIN)
      throw ImageError(ImageFault::unreadable, "standard input: cannot be read");
  }
  throw ImageError(ImageFault::size, "standard input: expected an image of at most " +
                                         std::to_string(max_image_file) + " bytes");
}

}  // namespace captcha::app
