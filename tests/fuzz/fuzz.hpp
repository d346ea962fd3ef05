// What the fuzzers share. libFuzzer calls LLVMFuzzerTestOneInput with one input after the other; an abort, a
// sanitizer's report or an exception that leaves it is a finding.
#pragma once

#include <captcha/io/json.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/model/weights.hpp>

#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
}

namespace fuzz {

using Bytes = std::vector<std::uint8_t>;

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

/// Counts the memory that is held, by the sanitizer's hooks, and the processor time that passes.
class Cost {
 public:
  Cost() : start_(seconds()) {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t size) { add(static_cast<std::ptrdiff_t>(size)); },
        [](const volatile void* block) {
          const void* const memory = const_cast<const void*>(block);
          if (memory) add(-static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(memory)));
        });
    require(installed > 0, "the sanitizer counts memory");
    held = peak = 0;
  }

  /// The most bytes held at once since this was made.
  std::size_t memory() const { return static_cast<std::size_t>(peak); }
  /// Of the processor: a busy machine makes nothing slower by it.
  double time() const { return seconds() - start_; }

 private:
  static void add(std::ptrdiff_t bytes) {
    held += bytes;
    peak = std::max(peak, held);
  }
  static double seconds() {
    std::timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  static inline thread_local std::ptrdiff_t held = 0, peak = 0;
  double start_;
};

/// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::uint8_t> bytes) : file_(::memfd_create("input", MFD_CLOEXEC)) {
    require(file_ >= 0 && ::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "a file in memory can be made");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(file_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// Bit for bit: not-a-number equals itself.
template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
template <class T>
bool same_bits(const captcha::WeightValues<T>& a, const captcha::WeightValues<T>& b) {
  return same_bits(a.parameters(), b.parameters()) && same_bits(a.buffers(), b.buffers());
}

/// The bytes of a safetensors file with these tensors and this metadata, with right hashes, made in memory.
inline std::string safetensors_bytes(std::span<const captcha::SafeTensor> tensors,
                                     std::map<std::string, std::string> metadata) {
  using captcha::json_string;
  metadata[std::string(captcha::hash_algorithm_key)] = "XXH3-64";
  for (const captcha::SafeTensor& tensor : tensors)
    metadata[std::string(captcha::tensor_hash_prefix) + tensor.name] = captcha::tensor_hash(tensor);
  metadata[std::string(captcha::metadata_hash_key)] = captcha::metadata_hash(metadata);
  std::string header, data;
  for (const auto& [key, value] : metadata)
    header.append(header.empty() ? "{\"__metadata__\":{" : ",")
        .append(json_string(key) + ":" + json_string(value));
  header += "}";
  for (const captcha::SafeTensor& tensor : tensors) {
    std::string shape;
    for (const std::size_t extent : tensor.shape)
      shape.append(shape.empty() ? "" : ",").append(std::to_string(extent));
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    header += "," + json_string(tensor.name) + ":{\"dtype\":\"" +
              std::string(captcha::info(tensor.dtype).name) + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Writes `made` over the input that a mutator was given; keeps to what fits.
inline std::size_t replace(std::uint8_t* data, std::size_t size, std::size_t most, const Bytes& made) {
  if (made.size() > most) return size;
  std::copy(made.begin(), made.end(), data);
  return made.size();
}

}  // namespace fuzz
