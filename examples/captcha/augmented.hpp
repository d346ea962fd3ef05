// How `captcha train` alters its images.
#pragma once

#include <captcha/data.hpp>

#include <utility>

namespace captcha::app {

/// The training images, altered anew each time: what happened to the characters of the data set, once more.
/// Stretch comes first, so that strengths mean the same for very dark images.
template <class Data>
auto augmented(Data&& data) {
  return map(neighbours(map(std::forward<Data>(data), Stretch{}), {.columns = 6, .probability = 0.5f}),
             Augment{Affine{.rotate = 11, .shift = 0.06f, .scale = 0.12f, .shear = 6},
                     BrightnessContrast{.brightness = 0.15f, .contrast = 0.3f, .probability = 0.5f},
                     GaussianBlur{.sigma = 1.0f, .probability = 0.3f},
                     GaussianNoise{.deviation = 0.12f, .probability = 0.5f},
                     StrikeThrough{.lines = 1, .probability = 0.25f},
                     RandomErasing{.largest = 0.12f, .probability = 0.15f}, Binarise{.probability = 0.05f},
                     Standardise{}});
}

}  // namespace captcha::app
