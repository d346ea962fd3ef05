// The bytes of a file without a copy of them.
#pragma once

#include <captcha/core/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace captcha {

/// A file mapped into memory, to be read. Move-only. While it is open the file may be replaced by another of
/// its name, as all writers here do, but must not be cut short or written into. POSIX only.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws Error that names the file.
  explicit MappedFile(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // or a pipe would keep us here
    if (file < 0) throw Error(path.string() + ": cannot be opened: " + std::strerror(errno));
    struct stat status {};
    std::string reason;
    if (::fstat(file, &status) != 0)
      reason = std::strerror(errno);
    else if (!S_ISREG(status.st_mode))
      reason = "not a regular file";
    else if (status.st_size > 0) {  // an empty file cannot be mapped, and need not be
      size_ = static_cast<std::size_t>(status.st_size);
      void* const start = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
      if (start == MAP_FAILED)
        reason = std::string("cannot be mapped: ") + std::strerror(errno);
      else
        start_ = start;
    }
    ::close(file);
    if (!reason.empty()) throw Error(path.string() + ": " + reason);
  }
  MappedFile(MappedFile&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile() {
    if (start_) ::munmap(start_, size_);
  }

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(start_), size_}; }

  /// Brings the first `count` bytes into memory at once, which is faster than page by page. False when the
  /// disk cannot give them, or the file was cut short: to touch them would end the program.
  bool fetch(std::size_t count) const {
#ifdef MADV_POPULATE_READ
    // Any other failure, as of a kernel older than 5.14, means that they come page by page.
    if (start_ && ::madvise(start_, count, MADV_POPULATE_READ) != 0)
      return errno != EFAULT && errno != EHWPOISON;
#else
    static_cast<void>(count);
#endif
    return true;
  }

 private:
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace captcha
