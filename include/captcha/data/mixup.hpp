// Mix-up: trains on blends of two samples (Zhang, Cisse, Dauphin, Lopez-Paz 2017, arXiv:1710.09412).
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/mixed.hpp>
#include <captcha/data/view.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace captcha {

struct MixupOptions {
  /// The weight is drawn from Beta(alpha, alpha): 0.2 stays near one of the two, 1 is uniform.
  double alpha = 0.2;
  /// The probability that a sample is blended at all.
  float probability = 1.0f;
};

/// The logarithm of a number drawn from the Gamma distribution of this shape and scale 1 (Marsaglia and Tsang
/// 2000, "A simple method for generating gamma variables"); the logarithm, since small shapes underflow.
inline double log_gamma_draw(double shape, Random& random) {
  const double boost = shape < 1.0 ? std::log(1.0 - static_cast<double>(random.uniform())) / shape : 0.0;
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0;
  for (;;) {
    const double x = static_cast<double>(random.normal());
    const double root = 1.0 + x / std::sqrt(9.0 * d);
    const double v = root * root * root;
    const double u = 1.0 - static_cast<double>(random.uniform());
    if (v > 0.0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + boost;
  }
}

/// The data set with every input blended with one chosen at random, which may be the same.
template <class D>
class Mixup : public View<Mixup<D>, D> {
 public:
  Mixup(std::shared_ptr<const D> data, MixupOptions options)
      : View<Mixup, D>(std::move(data)), options_(options) {
    if (!(options.alpha > 0.0))
      throw Error("mixup: alpha is " + std::to_string(options.alpha) + ", expected a positive number");
  }

  Mixed<Target<D>> get(std::size_t index, std::span<float> pixels, Random& random) const {
    const Target<D> first = fetch(this->data(), index, pixels, random);
    if (!random.coin(options_.probability)) return {first, first, 1.0f};
    const std::span<float> other = thread_buffer<Mixup>(pixels.size());
    const std::size_t partner = random.below(static_cast<std::uint32_t>(this->size()));
    const Target<D> second = fetch(this->data(), partner, other, random);
    const double a = log_gamma_draw(options_.alpha, random), b = log_gamma_draw(options_.alpha, random);
    const float weight = static_cast<float>(1.0 / (1.0 + std::exp(b - a)));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = weight * pixels[i] + (1.0f - weight) * other[i];
    return {first, second, weight};
  }

 private:
  MixupOptions options_;
};

/// Blends every sample with a random one of the same data set; the target becomes Mixed<Target>.
template <class D>
auto mixup(D&& data, MixupOptions options = {}) {
  return Mixup(hold(std::forward<D>(data)), options);
}

}  // namespace captcha
