// Memory that notices what is written beside it.
#pragma once

#include <captcha/core/aligned.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace captcha {

/// Memory between two margins that hold not-a-number and must still do so afterwards.
template <class T>
class Guarded {
 public:
  Guarded(std::size_t size, T fill) : size_(size), memory_(size + 2 * margin, guard()) {
    std::ranges::fill(values(), fill);
  }
  explicit Guarded(std::span<const T> from) : Guarded(from.size(), T{}) {
    std::ranges::copy(from, values().begin());
  }

  T* data() { return memory_.data() + margin; }
  std::span<T> values() { return {data(), size_}; }
  std::vector<T> copy() { return {values().begin(), values().end()}; }
  /// Whether no value beside the region was written.
  bool intact() {
    const std::vector<T> fresh(margin, guard());
    return std::memcmp(memory_.data(), fresh.data(), margin * sizeof(T)) == 0 &&
           std::memcmp(data() + size_, fresh.data(), margin * sizeof(T)) == 0;
  }

 private:
  static constexpr std::size_t margin = 64;  // keeps the region on a cache line
  static T guard() { return std::numeric_limits<T>::quiet_NaN(); }

  std::size_t size_;
  AlignedVector<T> memory_;
};

}  // namespace captcha
