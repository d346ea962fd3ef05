// A heat map laid over the picture that it belongs to.
#pragma once

#include <captcha/data/image.hpp>

#include "picture_sheet.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace captcha::app {

/// The layer at which it is looked unless another is asked for: as much to the point as any, with the most
/// detail (13 x 8 cells, against 7 x 4, 4 x 2 and 2 x 1 at the later ones), and hardly ever without a mark;
/// docs/looking.md has the comparison.
inline constexpr const char* heat_layer = "layer1";

struct Colour {
  double red, green, blue;
};

/// From dark violet by red to light yellow: lightness grows with the value, so that it reads without colours
/// too.
inline Colour heat_colour(double value) {
  constexpr std::array<Colour, 6> ramp{
      {{40, 11, 84}, {101, 21, 110}, {159, 42, 99}, {212, 72, 66}, {245, 125, 21}, {250, 193, 39}}};
  const double place = std::clamp(value, 0.0, 1.0) * static_cast<double>(ramp.size() - 1);
  const auto first = std::min(static_cast<std::size_t>(place), ramp.size() - 2);
  const double share = place - static_cast<double>(first);
  const auto between = [&](double a, double b) { return a + share * (b - a); };
  return {between(ramp[first].red, ramp[first + 1].red), between(ramp[first].green, ramp[first + 1].green),
          between(ramp[first].blue, ramp[first + 1].blue)};
}

/// A grey picture, stretched to its full range, under its heat map: one value from 0 to 1 a pixel, row by
/// row. Where the map is 0 the picture shows as it is. RGB.
inline Image heat_overlay(const Image& grey, std::span<const float> map) {
  Image overlay = coloured(stretched(grey));
  for (std::size_t i = 0; i < map.size(); ++i) {
    const double value = static_cast<double>(map[i]), cover = 0.75 * value;
    const Colour heat = heat_colour(value);
    std::size_t at = 3 * i;
    for (const double channel : {heat.red, heat.green, heat.blue}) {
      const double light = overlay.pixels[at];
      overlay.pixels[at++] = static_cast<std::uint8_t>(std::lround(light + cover * (channel - light)));
    }
  }
  return overlay;
}

}  // namespace captcha::app
