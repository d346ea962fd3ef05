// Gaussian noise, fast enough for every pixel of every sample.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/dataset.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>

namespace captcha {

/// 4096 equally probable values of the standard normal distribution (the quantiles of the mid-points, scaled
/// to variance 1), in ascending order. A uniform index into it draws a normal number without a logarithm.
CAPTCHA_INLINE const std::array<float, 4096>& normal_quantiles();

/// Adds independent normal noise to every value; its standard deviation is drawn uniformly up to `deviation`.
struct GaussianNoise {
  float deviation = 0.05f;  ///< in the unit of the pixels
  float probability = 1.0f;

  void operator()(std::span<float> pixels, Shape, Random& random) const;
};

#if CAPTCHA_DEFINED_HERE
// Computes normal_quantiles. A function and no lambda, so that no compiler runs it while it compiles.
inline std::array<float, 4096> make_normal_quantiles() {
  std::array<double, 2048> upper;
  double z = 0.0, power = 0.0;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const double probability = 0.5 + (static_cast<double>(i) + 0.5) / 4096.0;
    for (int step = 0; step < 10; ++step) {  // Newton from below, where the distribution is concave
      const double reached = 0.5 * std::erfc(-z / std::numbers::sqrt2);
      z += (probability - reached) * std::sqrt(2.0 * std::numbers::pi) * std::exp(0.5 * z * z);
    }
    upper[i] = z;
    power += z * z;
  }
  const double to_unit = std::sqrt(static_cast<double>(upper.size()) / power);
  std::array<float, 4096> values;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    values[2048 + i] = static_cast<float>(upper[i] * to_unit);
    values[2047 - i] = -values[2048 + i];
  }
  return values;
}

CAPTCHA_INLINE const std::array<float, 4096>& normal_quantiles() {
  static const std::array<float, 4096> table = make_normal_quantiles();
  return table;
}

CAPTCHA_INLINE void GaussianNoise::operator()(std::span<float> pixels, Shape, Random& random) const {
  if (!random.coin(probability)) return;
  const std::array<float, 4096>& normal = normal_quantiles();
  const float strength = random.uniform(0.0f, deviation);
  for (std::size_t i = 0; i < pixels.size(); i += 2) {
    const std::uint32_t bits = random();  // twelve bits for each of two pixels
    pixels[i] += strength * normal[bits >> 20];
    if (i + 1 < pixels.size()) pixels[i + 1] += strength * normal[(bits >> 8) & 0xFFFu];
  }
}
#endif

}  // namespace captcha
