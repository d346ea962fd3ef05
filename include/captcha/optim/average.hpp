// The exponential moving average of a network's weights: often better than the weights themselves.
#pragma once

#include <captcha/kernels/elementwise.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace captcha {

/// The decay after so many updates of an average that tends to `decay`: it must not remember the first,
/// random weights for long.
inline double warmed_decay(double decay, std::int64_t updates) {
  const double done = static_cast<double>(updates);
  return std::min(decay, (1 + done) / (10 + done));
}

/// average = decay * average + (1 - decay) * weights, over parameters and buffers (Polyak and Juditsky 1992).
template <class T>
void move_average(WeightValues<T>& average, const WeightValues<T>& weights, double decay, Workers& workers) {
  const T share = static_cast<T>(1 - decay);
  const auto move = [&](std::span<T> to, std::span<const T> from) {
    fill_each(to.size(), to.data(), workers,
              [to, from, share](std::size_t i) { return to[i] + share * (from[i] - to[i]); });
  };
  move(average.parameters(), weights.parameters());
  move(average.buffers(), weights.buffers());
}

}  // namespace captcha
