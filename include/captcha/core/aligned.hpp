// Arrays that start on a cache line, so that vector loads never straddle two.
#pragma once

#include <captcha/config/compiled.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <new>
#include <vector>

namespace captcha {

/// `bytes` of memory on a 64-byte boundary, and large arrays on huge pages where the system has them: with
/// pages of 4 KiB a processor that walks through 45 MB of weights waits for its page tables.
CAPTCHA_INLINE void* allocate_aligned(std::size_t bytes);
/// Gives them back.
CAPTCHA_INLINE void free_aligned(void* memory, std::size_t bytes) noexcept;

/// The same for containers.
template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  constexpr AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T))); }
  void deallocate(T* pointer, std::size_t count) noexcept { free_aligned(pointer, count * sizeof(T)); }
  friend bool operator==(AlignedAllocator, AlignedAllocator) { return true; }
};

/// A std::vector whose data starts on a cache line.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

#if CAPTCHA_DEFINED_HERE
inline constexpr std::size_t huge_page = std::size_t{1} << 21;

inline std::align_val_t alignment_for(std::size_t bytes) {
  return std::align_val_t{bytes < 2 * huge_page ? 64 : huge_page};
}

CAPTCHA_INLINE void* allocate_aligned(std::size_t bytes) {
  const std::align_val_t alignment = alignment_for(bytes);
  void* const memory = ::operator new(bytes, alignment);
#if defined(__linux__)
  if (alignment == std::align_val_t{huge_page}) ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

CAPTCHA_INLINE void free_aligned(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, alignment_for(bytes));
}
#endif

}  // namespace captcha
