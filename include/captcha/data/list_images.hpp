// The images under a folder.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/names_in.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace captcha {

/// Whether a file's name ends as those of images do.
CAPTCHA_INLINE bool has_image_name(const std::filesystem::path& path);

/// The images in a folder, or also those below it, by extension, as paths relative to it in sorted order.
/// Unless sub-folders are looked into, one that is called like an image is listed as one: whoever called it
/// so meant an image, and reading it says what it is. Throws Error when the folder cannot be listed.
CAPTCHA_INLINE std::vector<std::string> list_images(const std::filesystem::path& folder, bool sub_folders);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool has_image_name(const std::filesystem::path& path) {
  static const std::set<std::string> extensions{".png", ".jpg", ".jpeg", ".gif",
                                                ".bmp", ".tif", ".tiff", ".webp"};
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return extensions.contains(extension);
}

/// Adds those under folder/below.
inline void add_images(const std::filesystem::path& folder, const std::string& below, bool sub_folders,
                       std::vector<std::string>& images) {
  std::error_code failed;
  const std::vector<std::string> names = names_in(folder / below, failed);
  if (failed) throw Error(folder.string() + ": cannot list the folder: " + failed.message());
  for (const std::string& name : names) {
    const std::filesystem::path path = folder / below / name;
    std::error_code unknown;  // what cannot be looked at is no folder, and an error when it is read
    if (!sub_folders || !std::filesystem::is_directory(path, unknown)) {
      if (has_image_name(path)) images.push_back(below + name);
    } else if (!std::filesystem::is_symlink(path, unknown)) {
      add_images(folder, below + name + "/", sub_folders, images);
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
