// How `captcha train-solver` alters its images.
#pragma once

#include <captcha/data.hpp>

#include <utility>

namespace captcha::app {

/// Whole CAPTCHAs, altered anew each time: a little turned and moved, as they might be scanned or scaled, in
/// other tones, blurred, noisy, struck through.
template <class Data>
auto augmented_captchas(Data&& data) {
  return map(
      std::forward<Data>(data),
      Augment{Stretch{}, Affine{.rotate = 2, .shift = 0.02f, .scale = 0.04f, .shear = 3, .probability = 0.7f},
              BrightnessContrast{.brightness = 0.15f, .contrast = 0.3f, .probability = 0.5f},
              GaussianBlur{.sigma = 0.8f, .probability = 0.25f},
              GaussianNoise{.deviation = 0.1f, .probability = 0.4f},
              StrikeThrough{.lines = 1, .probability = 0.2f},
              RandomErasing{.largest = 0.03f, .probability = 0.1f}, Standardise{}});
}

}  // namespace captcha::app
