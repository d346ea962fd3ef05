// The bytes of a file without a copy of them.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/regular_file.hpp>

#include <sys/mman.h>

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
    const RegularFile file(path);
    if (file.size() == 0) return;  // an empty file cannot be mapped, and need not be
    void* const start = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (start == MAP_FAILED) file.fail(std::string("cannot be mapped: ") + std::strerror(errno));
    start_ = start;
    size_ = file.size();
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
  bool fetch(std::size_t count) const;

 private:
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool MappedFile::fetch(std::size_t count) const {
#ifdef MADV_POPULATE_READ
  // Any other failure, as of a kernel older than 5.14, means that they come page by page.
  if (start_ && ::madvise(start_, count, MADV_POPULATE_READ) != 0)
    return errno != EFAULT && errno != EHWPOISON;
#else
  static_cast<void>(count);
#endif
  return true;
}
#endif

}  // namespace captcha
