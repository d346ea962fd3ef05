// Arrays that start on a cache line, so that vector loads never straddle two.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <new>
#include <vector>

namespace captcha {

/// Allocates on 64-byte boundaries, and large arrays on huge pages where the system has them: with pages of
/// 4 KiB a processor that walks through 45 MB of weights waits for its page tables.
template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  constexpr AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    const std::align_val_t alignment = alignment_of(count);
    void* const memory = ::operator new(count * sizeof(T), alignment);
#if defined(__linux__)
    if (alignment == std::align_val_t{huge}) ::madvise(memory, count * sizeof(T), MADV_HUGEPAGE);
#endif
    return static_cast<T*>(memory);
  }
  void deallocate(T* pointer, std::size_t count) noexcept {
    ::operator delete(pointer, alignment_of(count));
  }
  friend bool operator==(AlignedAllocator, AlignedAllocator) {
    return true;
  }

 private:
  static constexpr std::size_t huge = std::size_t{1} << 21;
  static std::align_val_t alignment_of(std::size_t count) {
    return std::align_val_t{count * sizeof(T) < 2 * huge ? 64 : huge};
  }
};

/// A std::vector whose data starts on a cache line.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace captcha
