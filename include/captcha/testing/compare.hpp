// Comparing a kernel with kernels/reference.hpp: the same random values for both, and how far they are apart.
#pragma once

#include <captcha/core/shape.hpp>
#include <captcha/kernels/reference.hpp>
#include <captcha/testing/values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace captcha {

/// Random values in [-1, 1) that float holds exactly, so that float and double kernels get the same.
inline reference::Array random_array(int n, int c, int h, int w, std::uint64_t seed) {
  reference::Array array{n, c, h, w};
  std::ranges::copy(random_values<float>(array.values.size(), seed), array.values.begin());
  return array;
}

/// The shape of one sample of an array.
inline Shape shape_of(const reference::Array& array) {
  return chw(array.c, array.h, array.w);
}

/// An array in the order that kernels take.
template <class T>
std::vector<T> to_layer_order(const reference::Array& array) {
  return to_layer_order<T>(std::span<const double>(array.values), shape_of(array), array.n);
}

/// The largest difference of two lists, relative to the largest wanted value; infinite for not-a-number.
template <class T>
double difference(std::span<const T> got, std::span<const double> want) {
  double worst = 0, scale = 1e-3;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double off = std::abs(static_cast<double>(got[i]) - want[i]);
    worst = std::max(worst, std::isnan(off) ? std::numeric_limits<double>::infinity() : off);
    scale = std::max(scale, std::abs(want[i]));
  }
  return worst / scale;
}

/// The same for what a kernel gave and an array.
template <class T>
double difference(const std::vector<T>& got, const reference::Array& want) {
  const auto images = from_layer_order<T>(std::span<const T>(got), shape_of(want), want.n);
  return difference<T>(std::span<const T>(images), std::span<const double>(want.values));
}

}  // namespace captcha
