// What is in a folder.
#pragma once

#include <captcha/config/compiled.hpp>

#include <dirent.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace captcha {

/// The names of all that is in a folder, in no order; `failed` says why there may be more. By readdir:
/// std::filesystem's iterators end the program when memory runs out. POSIX only.
CAPTCHA_INLINE std::vector<std::string> names_in(const std::filesystem::path& folder,
                                                 std::error_code& failed);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::vector<std::string> names_in(const std::filesystem::path& folder,
                                                 std::error_code& failed) {
  struct Close {
    void operator()(::DIR* listing) const { ::closedir(listing); }
  };
  std::vector<std::string> names;
  failed.clear();
  const std::unique_ptr<::DIR, Close> listing(::opendir(folder.c_str()));
  if (!listing) failed.assign(errno, std::generic_category());
  while (!failed) {
    errno = 0;
    const ::dirent* const entry = ::readdir(listing.get());
    if (!entry && errno == 0) break;
    if (!entry)
      failed.assign(errno, std::generic_category());
    else if (const std::string_view name = entry->d_name; name != "." && name != "..")
      names.emplace_back(name);
  }
  return names;
}
#endif

}  // namespace captcha
