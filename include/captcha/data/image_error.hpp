// What can be wrong with an image file, for programs as well as for people.
#pragma once

#include <captcha/core/error.hpp>

#include <string>
#include <string_view>

namespace captcha {

/// The kinds of files that cannot be used.
enum class ImageFault {
  unreadable,   ///< cannot be opened or read, or is no file: a folder, a pipe, a link to nothing
  not_png,      ///< something else, whatever its name says
  truncated,    ///< a PNG that ends too early
  crc,          ///< a PNG with a chunk whose checksum is wrong
  damaged,      ///< a PNG that breaks another rule
  unsupported,  ///< a PNG that is whole, but of a kind that is not read
  size,         ///< too many bytes, or not the height and width expected
  label,        ///< no label, or one of no known class
};

/// "truncated": a kind as it is written in reports.
constexpr std::string_view to_string(ImageFault fault) {
  switch (fault) {
    case ImageFault::unreadable:
      return "unreadable";
    case ImageFault::not_png:
      return "not_png";
    case ImageFault::truncated:
      return "truncated";
    case ImageFault::crc:
      return "crc";
    case ImageFault::damaged:
      return "damaged";
    case ImageFault::unsupported:
      return "unsupported";
    case ImageFault::size:
      return "size";
    case ImageFault::label:
      return "label";
  }
  return "";
}

/// An error that one image file is to blame for.
struct ImageError : Error {
  ImageError(ImageFault kind, const std::string& what) : Error(what), fault(kind) {}

  ImageFault fault;
};

}  // namespace captcha
