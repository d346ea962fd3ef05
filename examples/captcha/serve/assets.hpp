// The files of web/, which the build puts into the program: see cmake/embed.cmake.
#pragma once

#include <span>
#include <string_view>

namespace captcha::app {

struct Asset {
  std::string_view path;  ///< "/page.js"
  std::string_view type;  ///< of media
  std::string_view bytes;
};

/// All of them; index.html goes by the path "/", docs.html by "/docs".
std::span<const Asset> assets();

}  // namespace captcha::app
