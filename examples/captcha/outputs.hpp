// The files that a command is told to write, which must not be each other's or its model.
#pragma once

#include <captcha/io/atomic_file.hpp>

#include "commands.hpp"
#include "paths.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace captcha::app {

/// A file as an option names it.
using NamedFile = std::pair<std::string, std::filesystem::path>;

/// Wrong usage when two of the files are the same; those without a name are passed over.
inline void require_apart(const std::vector<NamedFile>& files) {
  const auto same = [](const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code unknown;
    if (std::filesystem::equivalent(a, b, unknown)) return true;
    const auto whole = [](const std::filesystem::path& path) {
      std::error_code failed;
      const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
      const std::filesystem::path plain = std::filesystem::weakly_canonical(absolute, failed);
      return failed ? absolute.lexically_normal() : plain;
    };
    return whole(a) == whole(b);
  };
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!files[i].second.empty() && !files[j].second.empty() && same(files[i].second, files[j].second))
        throw CLI::ValidationError(files[i].first, "the same file as " + files[j].first + ", " +
                                                       files[j].second.string() + "; give another name");
}

/// Error when a file could not be written, before what takes long; not where none is wanted.
inline void require_writable(const std::filesystem::path& file) {
  if (file.empty()) return;
  const std::filesystem::file_type kind = kind_of(file);
  if (kind == std::filesystem::file_type::regular || kind == std::filesystem::file_type::not_found)
    const AtomicFile tried(file);
}

}  // namespace captcha::app
