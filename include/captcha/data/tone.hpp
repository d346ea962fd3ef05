// Changes of brightness: brightness and contrast, inversion, binarisation, clamping.
#pragma once

#include <captcha/data/dataset.hpp>
#include <captcha/kernels/sum.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace captcha {

/// The mean of at least one value.
inline float mean_of(std::span<const float> values) {
  const double sum =
      sum_terms<double>(values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
  return static_cast<float>(sum / static_cast<double>(values.size()));
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

/// Leaves two values: the image's largest where it is above a border, its smallest elsewhere.
struct Binarise {
  float from = 0.35f;  ///< the border lies at this share of the image's range …
  float to = 0.65f;    ///< … up to this one
  float probability = 0.05f;

  void operator()(std::span<float> pixels, Shape, Random& random) const {
    if (!random.coin(probability)) return;
    const auto [lowest, highest] = std::minmax_element(pixels.begin(), pixels.end());
    const float low = *lowest, high = *highest;
    const float border = low + (high - low) * random.uniform(from, to);
    for (float& value : pixels) value = value > border ? high : low;
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
