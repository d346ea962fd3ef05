// The images under a folder.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <dirent.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace captcha {

/// Whether a file's name ends as those of images do.
CAPTCHA_INLINE bool has_image_name(const std::filesystem::path& path);

/// The images under a folder, by extension, as paths relative to it in sorted order. Throws Error when it
/// cannot be listed.
CAPTCHA_INLINE std::vector<std::string> list_images(const std::filesystem::path& folder, bool sub_folders);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool has_image_name(const std::filesystem::path& path) {
  static const std::set<std::string> extensions{".png", ".jpg", ".jpeg", ".gif",
                                                ".bmp", ".tif", ".tiff", ".webp"};
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return extensions.contains(extension);
}

/// Adds those under folder/below. By readdir: std::filesystem's iterators end the program when memory runs
/// out.
inline void add_images(const std::filesystem::path& folder, const std::string& below, bool sub_folders,
                       std::vector<std::string>& names) {
  const auto fail = [&](int reason) {
    throw Error(folder.string() + ": cannot list the folder: " + std::strerror(reason));
  };
  struct Close {
    void operator()(::DIR* listing) const { ::closedir(listing); }
  };
  const std::unique_ptr<::DIR, Close> listing(::opendir((folder / below).c_str()));
  if (!listing) fail(errno);
  for (;;) {
    errno = 0;
    const ::dirent* const entry = ::readdir(listing.get());
    if (!entry && errno != 0) fail(errno);
    if (!entry) return;
    const std::string_view own = entry->d_name;
    if (own == "." || own == "..") continue;
    const std::string name = below + entry->d_name;
    const std::filesystem::path path = folder / name;
    std::error_code unknown;  // what cannot be looked at is no folder, and an error when it is read
    if (!std::filesystem::is_directory(path, unknown)) {
      if (has_image_name(path)) names.push_back(name);
    } else if (sub_folders && !std::filesystem::is_symlink(path, unknown)) {
      add_images(folder, name + "/", sub_folders, names);
    }
  }
}

CAPTCHA_INLINE std::vector<std::string> list_images(const std::filesystem::path& folder, bool sub_folders) {
  std::vector<std::string> names;
  add_images(folder, "", sub_folders, names);
  std::sort(names.begin(), names.end());
  return names;
}
#endif

}  // namespace captcha
