// The files that a command is told to write, which must not be each other's or its model.
#pragma once

#include "commands.hpp"

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
    std::error_code failed;
    return std::filesystem::equivalent(a, b, failed) ||
           std::filesystem::weakly_canonical(a, failed) == std::filesystem::weakly_canonical(b, failed);
  };
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!files[i].second.empty() && !files[j].second.empty() && same(files[i].second, files[j].second))
        throw CLI::ValidationError(files[i].first, "the same file as " + files[j].first + ", " +
                                                       files[j].second.string() + "; give another name");
}

}  // namespace captcha::app
