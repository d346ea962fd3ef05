// Memory that runs out when a test wants it to: malloc and its relatives, so that C code (zlib, stb_image,
// the standard library's own) is covered like operator new. Only one file of a program may include this.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

// glibc's own, which stay there when malloc is replaced.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

/// What happens to the allocations of this thread.
struct FailingMemory {
  bool armed = false;
  std::size_t count = 0;  ///< allocations since it was armed
  std::size_t fails = 0;  ///< the number of the one that fails; 0: none
  bool stays = false;     ///< all after it fail too
  long blocks = 0;        ///< allocated and not freed since it was armed
  long bytes = 0;         ///< held since it was armed
  long most_bytes = 0;

  /// Whether this allocation is to fail.
  bool refuse() {
    if (!armed) return false;
    ++count;
    const bool now = fails != 0 && (count == fails || (stays && count > fails));
    if (now) errno = ENOMEM;
    return now;
  }
  void* took(void* block) {
    if (armed && block) {
      ++blocks;
      bytes += static_cast<long>(malloc_usable_size(block));
      most_bytes = std::max(most_bytes, bytes);
    }
    return block;
  }
  void gave(void* block) {
    if (!armed || !block) return;
    --blocks;
    bytes -= static_cast<long>(malloc_usable_size(block));
  }
};
inline constinit thread_local FailingMemory failing_memory;

extern "C" {
void* malloc(std::size_t size) {
  return failing_memory.refuse() ? nullptr : failing_memory.took(__libc_malloc(size));
}
void* calloc(std::size_t count, std::size_t size) {
  return failing_memory.refuse() ? nullptr : failing_memory.took(__libc_calloc(count, size));
}
void* realloc(void* block, std::size_t size) {
  if (failing_memory.refuse()) return nullptr;
  failing_memory.gave(block);
  return failing_memory.took(__libc_realloc(block, size));
}
void* memalign(std::size_t alignment, std::size_t size) {
  return failing_memory.refuse() ? nullptr : failing_memory.took(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  *block = memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}
void free(void* block) {
  failing_memory.gave(block);
  __libc_free(block);
}
}
