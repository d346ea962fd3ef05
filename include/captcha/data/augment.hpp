// Augmentations and their composition. Each is a small struct of options that changes pixels in place; sizes
// count in pixels or fractions of the image, strengths in the unit of the pixels (0 to 1 from a file).
#pragma once

#include <captcha/data/affine.hpp>
#include <captcha/data/blur.hpp>
#include <captcha/data/map.hpp>
#include <captcha/data/noise.hpp>
#include <captcha/data/occlude.hpp>
#include <captcha/data/tone.hpp>

#include <span>
#include <tuple>
#include <utility>

namespace captcha {

/// Pixel functions one after the other; itself one:
/// `map(data, Augment{Stretch{}, Affine{.rotate = 8}, GaussianNoise{.deviation = 0.1f}, Standardise{}})`.
template <PixelFunction... Steps>
class Augment {
 public:
  explicit Augment(Steps... steps) : steps_(std::move(steps)...) {}

  void operator()(std::span<float> pixels, Shape shape, Random& random) const {
    std::apply([&](const Steps&... step) { (step(pixels, shape, random), ...); }, steps_);
  }

 private:
  std::tuple<Steps...> steps_;
};

}  // namespace captcha
