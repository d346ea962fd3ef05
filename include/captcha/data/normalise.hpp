// Normalisation of inputs; each has the call shape of an augmentation, so map() takes it.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/tone.hpp>
#include <captcha/kernels/sum.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace captcha {

/// Gives every image mean 0 and standard deviation 1, over all channels together. A constant image becomes
/// all zero. Images that hold only the values 0 and 1 of 255 come out like any other, as long as nothing of
/// the size of an ordinary brightness was added before (see Stretch).
struct Standardise {
  float epsilon = 1e-6f;  ///< the least standard deviation that is divided by

  void operator()(std::span<float> pixels, Shape, Random&) const {
    const float mean = mean_of(pixels);
    for (float& value : pixels) value -= mean;
    const double power = sum_terms<double>(
        pixels.size(), [&](std::size_t i) { return static_cast<double>(pixels[i]) * pixels[i]; });
    const float deviation = static_cast<float>(std::sqrt(power / static_cast<double>(pixels.size())));
    const float factor = 1.0f / std::max(deviation, epsilon);
    for (float& value : pixels) value *= factor;
  }
};

/// Stretches every image to the range from 0 to 1, over all channels together. A constant image becomes all
/// zero. Put it before augmentations whose strengths count in brightness, so that very dark images survive.
struct Stretch {
  void operator()(std::span<float> pixels, Shape, Random&) const {
    const auto [low, high] = range_of(pixels);
    const float range = high - low;
    for (float& value : pixels) value = range > 0.0f ? (value - low) / range : 0.0f;
  }
};

/// (value - mean) / deviation with fixed numbers for every channel.
template <std::size_t Channels>
struct Normalise {
  std::array<float, Channels> mean;
  std::array<float, Channels> deviation;

  void operator()(std::span<float> pixels, Shape shape, Random&) const {
    if (shape.channels != static_cast<int>(Channels))
      throw Error("Normalise: constants for " + std::to_string(Channels) + " channels, the input is " +
                  to_string(shape));
    const std::size_t plane = pixels.size() / Channels;
    for (std::size_t channel = 0; channel < Channels; ++channel)
      for (float& value : pixels.subspan(channel * plane, plane))
        value = (value - mean[channel]) / deviation[channel];
  }
};

/// The constants of ImageNet that torchvision's weights expect, for RGB values from 0 to 1.
inline constexpr Normalise<3> imagenet_normalise{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

}  // namespace captcha
