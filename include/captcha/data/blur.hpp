// Gaussian blur.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/dataset.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace captcha {

/// Blurs with a Gaussian whose standard deviation is drawn uniformly up to `sigma`; beyond its edge the image
/// goes on with the pixel at the edge.
struct GaussianBlur {
  static constexpr float largest_sigma = 5.0f;

  float sigma = 1.0f;  ///< pixels, at most largest_sigma
  float probability = 0.5f;

  void operator()(std::span<float> pixels, Shape shape, Random& random) const {
    if (!random.coin(probability)) return;
    blur(pixels, shape, random.uniform(0.0f, sigma));
  }

  /// Blurs with this standard deviation (pixels), columns and rows one after the other.
  static void blur(std::span<float> pixels, Shape shape, float deviation);

 private:
  static void add(float weight, const float* from, float* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[i] += weight * from[i];
  }
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void GaussianBlur::blur(std::span<float> pixels, Shape shape, float deviation) {
  deviation = std::min(deviation, largest_sigma);
  if (!(deviation > 0.0f)) return;
  const std::size_t radius = static_cast<std::size_t>(std::ceil(3.0f * deviation));
  const std::size_t taps = 2 * radius + 1;
  std::array<float, 31> weights{};
  float sum = 0.0f;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    const float distance = (static_cast<float>(tap) - static_cast<float>(radius)) / deviation;
    sum += weights[tap] = std::exp(-0.5f * distance * distance);
  }
  for (float& weight : weights) weight /= sum;

  const std::size_t height = static_cast<std::size_t>(shape.height);
  const std::size_t width = static_cast<std::size_t>(shape.width);
  const std::span<float> line = thread_buffer<GaussianBlur>(std::max(height * width, width + 2 * radius));
  for (std::size_t start = 0; start < pixels.size(); start += height * width) {
    float* image = pixels.data() + start;
    std::copy_n(image, height * width, line.data());
    for (std::size_t y = 0; y < height; ++y) {
      std::fill_n(image + y * width, width, 0.0f);
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const std::size_t from = std::clamp(y + tap, radius, radius + height - 1) - radius;
        add(weights[tap], line.data() + from * width, image + y * width, width);
      }
    }
    for (std::size_t y = 0; y < height; ++y) {
      float* row = image + y * width;
      std::fill_n(line.data(), radius, row[0]);
      std::copy_n(row, width, line.data() + radius);
      std::fill_n(line.data() + radius + width, radius, row[width - 1]);
      std::fill_n(row, width, 0.0f);
      for (std::size_t tap = 0; tap < taps; ++tap) add(weights[tap], line.data() + tap, row, width);
    }
  }
}
#endif

}  // namespace captcha
