// Changes of brightness: brightness and contrast, inversion, binarisation, clamping.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/kernels/sum.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace captcha {

/// The mean of at least one value.
CAPTCHA_INLINE float mean_of(std::span<const float> values);

struct ValueRange {
  float low, high;
};

/// The smallest and the largest of at least one value.
CAPTCHA_INLINE ValueRange range_of(std::span<const float> values);

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
    const auto [low, high] = range_of(pixels);
    const float sum = low + high;
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
    const auto [low, high] = range_of(pixels);
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

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE float mean_of(std::span<const float> values) {
  const double sum =
      sum_terms<double>(values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
  return static_cast<float>(sum / static_cast<double>(values.size()));
}

CAPTCHA_INLINE ValueRange range_of(std::span<const float> values) {
  constexpr std::size_t lanes = 16;  // compared side by side
  std::array<float, lanes> low, high;
  low.fill(values[0]);
  high.fill(values[0]);
  const auto meet = [&](std::size_t lane, float value) {
    low[lane] = value < low[lane] ? value : low[lane];
    high[lane] = value > high[lane] ? value : high[lane];
  };
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) meet(lane, values[i + lane]);
  for (std::size_t lane = 0; i < values.size(); ++i, ++lane) meet(lane, values[i]);
  return {*std::min_element(low.begin(), low.end()), *std::max_element(high.begin(), high.end())};
}
#endif

}  // namespace captcha
