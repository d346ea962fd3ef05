// One image on its way into the network.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>

#include "characters.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// A picture as the character that the network takes: grey, 32 wide and 52 high. `name` is what messages call
/// it; other sizes are an ImageError unless `resizes`.
inline Image as_character(const Image& picture, const std::string& name, bool resizes) {
  Image image = picture.channels == 1 ? picture : to_grey(picture);
  if (image.height == character.height && image.width == character.width) return image;
  if (!resizes)
    throw ImageError(ImageFault::size,
                     name + ": " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                         " pixels (width x height), expected " + std::to_string(character.width) + " x " +
                         std::to_string(character.height) + "; use --resize to accept it");
  return resize(image, character.height, character.width);
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
