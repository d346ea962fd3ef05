// The folder of a run: who may write to it, and which checkpoints it holds.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/names_in.hpp>
#include <captcha/io/atomic_file.hpp>
#include <captcha/io/folder_lock.hpp>
#include <captcha/io/safetensors.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace captcha {

/// The checkpoint files of a folder, the newest (by the steps in their names) first; empty where there is
/// none. Throws Error when the folder is there and cannot be read.
CAPTCHA_INLINE std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& folder);

/// The newest of some checkpoints that is whole: going on from an older one only takes longer.
struct WholeCheckpoint {
  std::optional<SafetensorsFile> file{};
  std::string name{};
  std::vector<std::string> damaged{};  ///< what is wrong with the newer ones
};

/// Throws Error when none of the checkpoints, the newest first, can be read. Without checkpoints: no file.
CAPTCHA_INLINE WholeCheckpoint newest_whole(const std::vector<std::filesystem::path>& checkpoints);

/// The folder of a run; while it lives, no other process trains there.
class RunFolder {
 public:
  /// Makes the folder if it is not there, locks it, and removes temporary files of runs that were killed.
  /// Throws Error.
  explicit RunFolder(const std::filesystem::path& path);

  /// The checkpoint after so many steps.
  std::filesystem::path checkpoint(std::size_t step) const;
  /// Removes the oldest of the checkpoints in `steps`, which this run wrote, until at most `keep` are left.
  /// One that cannot be removed does no harm: it stays in `steps`, to be tried again.
  void forget(std::vector<std::size_t>& steps, std::size_t keep) const;

 private:
  std::filesystem::path path_;
  FolderLock lock_;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& folder) {
  constexpr std::string_view before = "checkpoint-", behind = ".safetensors";
  std::vector<std::pair<std::size_t, std::filesystem::path>> found;
  std::error_code failed;
  for (const std::string& name : names_in(folder, failed)) {
    if (!name.starts_with(before) || !name.ends_with(behind)) continue;
    const char* const last = name.data() + name.size() - behind.size();
    std::size_t step = 0;
    if (const auto read = std::from_chars(name.data() + before.size(), last, step);
        read.ec == std::errc{} && read.ptr == last)
      found.emplace_back(step, folder / name);
  }
  // Not as if it held no run: that would start one over it.
  if (failed && failed != std::errc::no_such_file_or_directory)
    throw Error(folder.string() + ": cannot be read: " + failed.message());
  std::ranges::sort(found, std::ranges::greater{});
  std::vector<std::filesystem::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  // Runs of checkpoint format 1 had one, of this name.
  if (const auto old = folder / "last.safetensors"; std::filesystem::exists(old, failed))
    paths.push_back(old);
  return paths;
}

CAPTCHA_INLINE WholeCheckpoint newest_whole(const std::vector<std::filesystem::path>& checkpoints) {
  WholeCheckpoint found;
  for (const std::filesystem::path& path : checkpoints) try {
      found.file = SafetensorsFile::read(path);
      found.name = path.string();
      return found;
    } catch (const Error& error) {
      found.damaged.push_back(error.what());
    }
  if (!found.damaged.empty())
    throw Error(found.damaged.front() + "; the run has no other checkpoint, so start it in a new folder");
  return found;
}

inline const std::filesystem::path& made(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) {
    throw Error(path.string() + ": cannot make the folder of the run: " + why);
  };
  std::error_code failed;
  std::vector<std::filesystem::path> above;  // folders that get a new entry, which a power cut must not undo
  for (auto one = std::filesystem::absolute(path, failed); !failed && !std::filesystem::exists(one, failed);
       one = one.parent_path())
    above.push_back(one.parent_path());
  std::filesystem::create_directories(path, failed);
  if (failed) fail(failed.message());
  for (const std::filesystem::path& folder : above)  // EACCES: one can make folders there, but not read it
    if (!sync_folder(folder) && errno != EACCES) fail(std::strerror(errno));
  return path;
}

CAPTCHA_INLINE RunFolder::RunFolder(const std::filesystem::path& path) : path_(path), lock_(made(path_)) {
  remove_unfinished(path_);
}

CAPTCHA_INLINE std::filesystem::path RunFolder::checkpoint(std::size_t step) const {
  const std::string digits = std::to_string(step);
  return path_ / ("checkpoint-" + std::string(8 - std::min<std::size_t>(digits.size(), 8), '0') + digits +
                  ".safetensors");
}

CAPTCHA_INLINE void RunFolder::forget(std::vector<std::size_t>& steps, std::size_t keep) const {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::error_code failed;
    if (i + keep < steps.size()) std::filesystem::remove(checkpoint(steps[i]), failed);
    if (i + keep >= steps.size() || failed) left.push_back(steps[i]);
  }
  steps = std::move(left);
}
#endif

}  // namespace captcha
