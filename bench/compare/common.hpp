// What the C++ programs of the comparison share: the pixels they feed their network, and how they take time.
#pragma once

#include <chrono>
#include <cstddef>

/// Pixel `index` of a batch in (N, C, H, W) order: the same in all programs of the comparison.
inline float image_value(std::size_t index) {
  return static_cast<float>(index * 7919 % 1009) / 1009.0f - 0.5f;
}

/// Seconds a call, over at least that many seconds.
template <class Action>
double repeat_for(double seconds, Action&& action) {
  const auto start = std::chrono::steady_clock::now();
  for (int calls = 1;; ++calls) {
    action();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    if (elapsed.count() >= seconds) return elapsed.count() / calls;
  }
}
