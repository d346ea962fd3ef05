// Changes of brightness: brightness and contrast, inversion, clamping.
#pragma once

#include <captcha/data/dataset.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>

namespace captcha {

/// The sum of term(value) over all values, in eight interleaved partial sums: fast, and always in one order.
template <class Term>
double sum_over(std::span<const float> values, Term term) {
  std::array<double, 8> partial{};
  const float* const value = values.data();
  const std::size_t whole = values.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8)
    for (std::size_t k = 0; k < 8; ++k) partial[k] += term(static_cast<double>(value[i + k]));
  for (std::size_t i = whole; i < values.size(); ++i)
    partial[i - whole] += term(static_cast<double>(value[i]));
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

/// The mean of at least one value.
inline float mean_of(std::span<const float> values) {
  return static_cast<float>(sum_over(values, std::identity{}) / static_cast<double>(values.size()));
}

/// Stretches the values about the image's mean by a factor from 1 - contrast to 1 + contrast, then adds an
/// amount from -brightness to brightness. Values may leave their range: follow with Clamp where that matters.
struct BrightnessContrast {
  float brightness = 0.2f;  ///< in the unit of the pixels
  float contrast = 0.2f;    ///< relative
  float probability = 1.0f;

  void operator()(std::span<float> pixels, Shape, Random& random) const {
    if (!random.coin(probability)) return;
    const float factor = 1.0f + random.uniform(-contrast, contrast);
    const float offset = random.uniform(-brightness, brightness) + (1.0f - factor) * mean_of(pixels);
    for (float& value : pixels) value = factor * value + offset;
  }
};

/// Turns light into dark within the image's own range: the smallest value becomes the largest.
struct Invert {
  float probability = 0.5f;

  void operator()(std::span<float> pixels, Shape, Random& random) const {
    if (!random.coin(probability)) return;
    const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
    const float sum = *low + *high;
    for (float& value : pixels) value = sum - value;
  }
};

/// Limits the values to a range.
struct Clamp {
  float low = 0.0f;
  float high = 1.0f;

  void operator()(std::span<float> pixels, Shape, Random&) const {
    for (float& value : pixels) value = std::min(std::max(value, low), high);
  }
};

}  // namespace captcha
