// A file opened for reading, once it is known to be one.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

namespace captcha {

/// An open regular file: no folder, no pipe that would keep its reader waiting. POSIX only.
class RegularFile {
 public:
  /// Throws Error that names the file.
  explicit RegularFile(const std::filesystem::path& path);
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  ~RegularFile() { ::close(descriptor_); }

  /// Bytes when it was opened.
  std::size_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

  /// Fills `bytes` from the file's next ones. Throws Error if it cannot be read or is shorter.
  void read(std::span<std::uint8_t> bytes) const;

  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::filesystem::path path_;
  int descriptor_;
  std::size_t size_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE RegularFile::RegularFile(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) fail(std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  const int failed = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (failed == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::size_t>(status.st_size);
    return;
  }
  ::close(descriptor_);  // before a message is made: that may be out of memory
  fail(failed == 0 ? "not a regular file" : std::strerror(failed));
}

CAPTCHA_INLINE void RegularFile::read(std::span<std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ::ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) fail("cut short while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

CAPTCHA_INLINE void RegularFile::fail(const std::string& reason) const {
  throw Error(path_.string() + ": " + reason);
}
#endif

}  // namespace captcha
