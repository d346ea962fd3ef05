// Takes bad files out of a data set without losing one.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace captcha {

/// Moves files of a folder into the one beside it that is called `<folder>.quarantine`, each under its own
/// name or, where that is taken, the first of name.2, name.3, … that is free; returns where each lies now.
/// All folders are made before the first file is moved. Throws Error that names the file that could not be
/// moved; those before it are in quarantine then, all others where they were.
CAPTCHA_INLINE std::vector<std::filesystem::path> quarantine(const std::filesystem::path& folder,
                                                             const std::vector<std::string>& names);

/// Renames a file, but never over another one: file_exists then.
CAPTCHA_INLINE std::error_code rename_if_free(const std::filesystem::path& from,
                                              const std::filesystem::path& to);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::error_code rename_if_free(const std::filesystem::path& from,
                                              const std::filesystem::path& to) {
#ifdef RENAME_NOREPLACE
  // In one step, so that two programs that move files at the same time do not replace each other's.
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return {errno, std::generic_category()};
#endif
  // A file system that has no such step.
  std::error_code failed;
  if (std::filesystem::exists(std::filesystem::symlink_status(to, failed)))
    return std::make_error_code(std::errc::file_exists);
  failed.clear();
  std::filesystem::rename(from, to, failed);
  return failed;
}

CAPTCHA_INLINE std::vector<std::filesystem::path> quarantine(const std::filesystem::path& folder,
                                                             const std::vector<std::string>& names) {
  std::filesystem::path own = std::filesystem::absolute(folder).lexically_normal();
  if (own.filename().empty()) own = own.parent_path();  // of a slash at the end
  const std::filesystem::path beside = own.string() + ".quarantine";
  std::vector<std::filesystem::path> moved;
  const auto require = [&](const std::error_code& failed, const std::string& name) {
    if (failed)
      throw Error((folder / name).string() + ": cannot be moved to " + (beside / name).string() + ": " +
                  failed.message() + "; files moved before it: " + std::to_string(moved.size()));
  };
  for (const std::string& name : names) {
    std::error_code failed;
    std::filesystem::create_directories((beside / name).parent_path(), failed);
    require(failed, name);
  }
  for (const std::string& name : names) {
    std::filesystem::path free = beside / name;
    std::error_code failed = rename_if_free(folder / name, free);
    for (int more = 2; failed == std::errc::file_exists; ++more) {
      free = (beside / name).string() + "." + std::to_string(more);
      failed = rename_if_free(folder / name, free);
    }
    require(failed, name);
    moved.push_back(std::move(free));
  }
  return moved;
}
#endif

}  // namespace captcha
