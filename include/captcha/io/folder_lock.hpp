// One process at a time in a folder.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

namespace captcha {

/// Holds the file `lock` of a folder, with the number of this process in it, while it lives. The operating
/// system takes the lock back when its owner ends, however it ends: a file that was left behind locks
/// nothing. POSIX only.
class FolderLock {
 public:
  /// Throws Error with the owner's process number when the folder is locked, and when it cannot be written
  /// to.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE FolderLock::FolderLock(const std::filesystem::path& folder) : path_(folder / "lock") {
  const auto refuse = [&](const std::string& why) {
    if (file_ >= 0) ::close(file_);
    throw Error(folder.string() + ": " + why);
  };
  const auto cannot = [&](int reason) { refuse(std::string("cannot be locked: ") + std::strerror(reason)); };
  for (;;) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0 && errno == EINTR) continue;
    if (file_ < 0) cannot(errno);
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      if (reason != EWOULDBLOCK && reason != EINTR) cannot(reason);
      std::array<char, 32> owner{};
      const ssize_t digits = ::read(file_, owner.data(), owner.size());
      const std::string_view text(owner.data(), digits < 0 ? 0 : static_cast<std::size_t>(digits));
      // Before the owner has written its number, or after it has removed the file, there is none.
      const std::size_t length = text.find('\n');
      const std::string process =
          length == text.npos ? "another process" : "process " + std::string(text.substr(0, length));
      if (reason == EWOULDBLOCK)
        refuse("in use by " + process + "; wait for it, stop it, or choose another folder");
    } else {
      // Its owner may have removed the file between our two calls: then ours is one that nobody else can see.
      struct stat ours {
      }, visible{};
      if (::fstat(file_, &ours) == 0 && ::stat(path_.c_str(), &visible) == 0 &&
          ours.st_ino == visible.st_ino && ours.st_dev == visible.st_dev)
        break;
    }
    ::close(file_);
  }
  const std::string number = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file_, 0) != 0 || ::write(file_, number.data(), number.size()) < 0) {
    const int reason = errno;
    ::unlink(path_.c_str());
    cannot(reason);
  }
}

CAPTCHA_INLINE FolderLock::~FolderLock() {
  ::unlink(path_.c_str());
  ::close(file_);
}
#endif

}  // namespace captcha
