// Draws single characters as the data set has them: cut from a CAPTCHA, turned, and of every brightness.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/data/affine.hpp>
#include <captcha/data/blur.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/noise.hpp>
#include <captcha/data/normalise.hpp>
#include <captcha/data/tone.hpp>

#include "draw_captcha.hpp"
#include "glyph_cut.hpp"
#include "glyph_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace captcha::app {

/// How much a character is altered once it is cut; all zero leaves the cut as it is. Amounts are drawn anew
/// for each character, uniformly up to the value.
struct CharacterStyle {
  float rotation = 11;      ///< degrees, either way
  float brightness = 0.3f;  ///< of the whole range, either way
  float contrast = 0.5f;    ///< relative, either way
  float noise = 0.06f;      ///< standard deviation, of the whole range
  float blur = 1.0f;        ///< standard deviation, pixels
  float altered = 0.8f;     ///< share of the characters that each of the five changes
  float binary = 0.05f;     ///< share of the characters that end as two values, stored as 0 and 1
};

/// Alters a grey character as the data set's copies were altered.
inline void alter(Image& drawn, Random& random, const CharacterStyle& style) {
  const Shape shape = chw(1, drawn.height, drawn.width);
  std::vector<float> values(drawn.pixels.begin(), drawn.pixels.end());
  for (float& value : values) value /= 255;

  Affine turn{.rotate = style.rotation, .shift = 0, .scale = 0, .shear = 0, .probability = style.altered};
  // The corners that turning uncovers are black, white, any grey or the border's mean.
  const float fill = random.uniform(-0.5f, 1.5f);
  if (random.coin()) turn.fill = std::clamp(fill, 0.0f, 1.0f);
  turn(values, shape, random);
  BrightnessContrast{style.brightness, style.contrast, style.altered}(values, shape, random);
  GaussianBlur{style.blur, style.altered}(values, shape, random);
  GaussianNoise{style.noise, style.altered}(values, shape, random);

  if (random.coin(style.binary)) {
    Binarise{.probability = 1}(values, shape, random);
    Stretch{}(values, shape, random);
    std::transform(values.begin(), values.end(), drawn.pixels.begin(),
                   [](float value) { return static_cast<std::uint8_t>(value); });
  } else {
    for (std::size_t i = 0; i < values.size(); ++i)
      drawn.pixels[i] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(values[i], 0.0f, 1.0f)));
  }
}

/// A character of 52 x 32 grey pixels: `label` at a chance place of a five-letter CAPTCHA, with whatever of
/// its neighbours and of the noise lines the cut takes in. Throws Error if `label` is none of the data set's.
inline Image draw_character(char label, Random& random, const CharacterStyle& style = {},
                            const Glyphs& glyphs = installed_glyphs()) {
  std::string text;
  while (text.size() < 5) text += labels[random.below(static_cast<std::uint32_t>(labels.size()))];
  const std::size_t position = random.below(5);
  text[position] = label;
  const Captcha captcha = draw_captcha(text, random, glyphs);
  Image drawn = cut_out(captcha.image, jittered(cut_box(label, captcha.letters[position]), random));
  alter(drawn, random, style);
  return drawn;
}

}  // namespace captcha::app
