// Replaces a file by a new one so that a crash, a full disk or a power cut leaves the old one or the new one.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/names_in.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace captcha {

/// A temporary file beside `target`, removed again unless `commit` put it in target's place. Of a symbolic
/// link what it leads to is replaced. What is no file but something to write into (a pipe, /dev/null) is
/// written into at once. POSIX only.
class AtomicFile {
 public:
  /// Creates the temporary file, with the permissions of the file it will replace. Throws Error.
  explicit AtomicFile(const std::filesystem::path& target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  /// Appends bytes. Throws Error.
  void write(std::span<const std::byte> bytes);

  /// Puts the file in target's place, and returns when the disk has it. Throws Error; then the old file is
  /// still there, unless the message says that only the last step, syncing the folder, failed.
  void commit();

 private:
  void discard();
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path target_;
  std::filesystem::path folder_;
  std::filesystem::path temporary_;  // empty where the target is written into
  int file_ = -1;
};

/// Replaces `target` by the parts, one after the other, in an atomic step that survives a power cut:
/// temporary file beside it, fsync, rename, fsync of the folder. Throws Error with the system's reason; the
/// old file is then untouched and nothing is left behind. See AtomicFile for what is no file.
CAPTCHA_INLINE void write_file_atomically(const std::filesystem::path& target,
                                          std::span<const std::span<const std::byte>> parts);

/// Removes the temporary files that processes which are no more left in a folder.
CAPTCHA_INLINE void remove_unfinished(const std::filesystem::path& folder);

/// Waits until the disk has an open file or folder. False, with errno, when it cannot.
CAPTCHA_INLINE bool sync(int file);

/// The same of the entries of a folder. True as well where the file system cannot sync folders.
CAPTCHA_INLINE bool sync_folder(const std::filesystem::path& folder);

#if CAPTCHA_DEFINED_HERE
inline constexpr std::string_view unfinished_name = ".unfinished-";  // then process, "-" and a number

CAPTCHA_INLINE AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target) {
  struct stat old {};
  const bool replaces = ::stat(target_.c_str(), &old) == 0;
  if (replaces && (S_ISFIFO(old.st_mode) || S_ISCHR(old.st_mode))) {
    do file_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    while (file_ < 0 && errno == EINTR);
    if (file_ < 0) fail("cannot be opened");
    return;
  }
  std::error_code unknown;
  if (replaces && std::filesystem::is_symlink(target_, unknown))
    if (std::filesystem::path leads_to = std::filesystem::canonical(target_, unknown); !unknown)
      target_ = std::move(leads_to);
  folder_ = target_.has_parent_path() ? target_.parent_path() : ".";
  static std::atomic<unsigned> made{0};
  do {  // the name is taken only if an earlier process with our number died while it wrote
    temporary_ =
        folder_ / (std::string(unfinished_name) + std::to_string(::getpid()) + "-" + std::to_string(made++));
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && (errno == EEXIST || errno == EINTR));
  if (file_ < 0) fail("cannot create a file in its folder");
  if (replaces && ::fchmod(file_, old.st_mode & 0777) != 0) {
    const int reason = errno;
    discard();
    errno = reason;
    fail("cannot keep its permissions");
  }
}

CAPTCHA_INLINE void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t most = std::size_t{1} << 30;  // Linux writes at most 2 GiB at once
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), std::min(bytes.size(), most));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

CAPTCHA_INLINE void AtomicFile::commit() {
  if (!temporary_.empty() && !sync(file_)) fail("cannot be written to the disk");
  const int closed = ::close(std::exchange(file_, -1));
  if (closed != 0 && errno != EINTR) fail("cannot be closed");
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot be replaced");
  temporary_.clear();
  if (!sync_folder(folder_)) fail("is written, but its folder cannot be synced, so a power cut may undo it");
}

CAPTCHA_INLINE void AtomicFile::discard() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

CAPTCHA_INLINE void AtomicFile::fail(const std::string& what) const {
  throw Error(target_.string() + ": " + what + ": " + std::strerror(errno));
}

CAPTCHA_INLINE void write_file_atomically(const std::filesystem::path& target,
                                          std::span<const std::span<const std::byte>> parts) {
  AtomicFile file(target);
  for (const std::span<const std::byte> part : parts) file.write(part);
  file.commit();
}

CAPTCHA_INLINE void remove_unfinished(const std::filesystem::path& folder) {
  std::error_code ignored;  // what is left over does no harm
  for (const std::string& name : names_in(folder, ignored)) {
    if (!name.starts_with(unfinished_name)) continue;
    const char* const last = name.data() + name.size();
    pid_t writer = 0;
    unsigned number = 0;
    const auto process = std::from_chars(name.data() + unfinished_name.size(), last, writer);
    if (process.ec != std::errc{} || process.ptr == last || *process.ptr != '-') continue;
    const auto made = std::from_chars(process.ptr + 1, last, number);
    if (made.ec != std::errc{} || made.ptr != last || writer <= 0) continue;
    // Ours before: process numbers come again, in containers almost always.
    if (writer != ::getpid() && (::kill(writer, 0) == 0 || errno != ESRCH)) continue;
    std::filesystem::remove(folder / name, ignored);
  }
}

CAPTCHA_INLINE bool sync(int file) {
  int result = 0;
  do result = ::fsync(file);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

CAPTCHA_INLINE bool sync_folder(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return false;
  const bool synced = sync(file) || errno == EINVAL;
  const int reason = errno;
  ::close(file);
  errno = reason;
  return synced;
}
#endif

}  // namespace captcha
