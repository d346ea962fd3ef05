// What the shim writes of each call: this, then the bytes of `one`, then those of `two`.
#pragma once

#include <cstddef>
#include <cstdint>

enum class Operation : std::int32_t {
  open,       ///< one: the path; file: the descriptor it got
  write,      ///< one: the bytes
  fsync,      ///< of a file or a folder
  ftruncate,  ///< one: the size in digits
  fchmod,
  flock,
  close,
  rename,  ///< one: from; two: to
  unlink,  ///< one: the path
  mkdir,   ///< one: the path
  // Those of reading, which are only counted where the shim is told so.
  opendir,  ///< one: the path
  readdir,
  read,
  mmap
};

inline constexpr const char* operation_names[] = {"open",    "write",   "fsync",  "ftruncate", "fchmod",
                                                  "flock",   "close",   "rename", "unlink",    "mkdir",
                                                  "opendir", "readdir", "read",   "mmap"};

struct RecordedCall {
  Operation operation;
  std::int32_t file;  ///< descriptor, or -1
  std::size_t one;    ///< sizes in bytes
  std::size_t two;
};
