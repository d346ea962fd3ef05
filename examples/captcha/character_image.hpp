// One image on its way into the network.
#pragma once

#include <captcha/data/image.hpp>

#include "characters.hpp"
#include "grey_image.hpp"

#include <string>
#include <vector>

namespace captcha::app {

/// A picture as the character that the network takes: grey, 32 wide and 52 high; see grey_image.
inline Image as_character(const Image& picture, const std::string& name, bool resizes) {
  return grey_image(picture, character, name, resizes);
}

/// Its values, prepared as in training.
inline std::vector<float> prepared(const Image& image) {
  std::vector<float> values(character.size());
  prepare(image.pixels, character, values);
  return values;
}

}  // namespace captcha::app
