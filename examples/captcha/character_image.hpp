// One image on its way into the network.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/data/normalise.hpp>

#include "characters.hpp"
#include "grey_image.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// A picture as the character that the network takes: grey, 32 wide and 52 high; see grey_image.
inline Image as_character(const Image& picture, const std::string& name, bool resizes) {
  return grey_image(picture, character, name, resizes);
}

/// Its values, prepared as in training.
inline std::vector<float> prepared(const Image& image) {
  std::vector<float> pixels(image.pixels.size());
  std::transform(image.pixels.begin(), image.pixels.end(), pixels.begin(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0f; });
  Random unused(0);
  Standardise{}(pixels, character, unused);
  return pixels;
}

}  // namespace captcha::app
