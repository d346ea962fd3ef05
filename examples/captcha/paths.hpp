// What stands at a path that a person named.
#pragma once

#include <captcha/core/error.hpp>

#include <filesystem>
#include <system_error>

namespace captcha::app {

/// Error with the system's reason where that cannot be told: without permission, or where links lead in a
/// circle.
inline std::filesystem::file_type kind_of(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::file_type type = std::filesystem::status(path, failed).type();
  if (type == std::filesystem::file_type::none) throw Error(path.string() + ": " + failed.message());
  return type;
}
inline bool is_folder(const std::filesystem::path& path) {
  return kind_of(path) == std::filesystem::file_type::directory;
}
inline bool is_there(const std::filesystem::path& path) {
  return kind_of(path) != std::filesystem::file_type::not_found;
}

}  // namespace captcha::app
