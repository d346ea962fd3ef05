// The two distortions that the CAPTCHAs' text went through, as maps from a pixel to where its value came
// from.
//
// They are the effect "WaterRipple" of Kaptcha 2 (a Java library), which made the data set's images: first
// rings of water about the middle, then a ripple over everything (J. Huxtable, JH Labs image filters).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace captcha::app {

/// Columns and rows of a CAPTCHA.
inline constexpr int captcha_width = 200;
inline constexpr int captcha_height = 50;

/// A place in a CAPTCHA: columns to the right, rows down, pixel centres at whole numbers.
struct Point {
  double x = 0;
  double y = 0;
};

/// How much ink every pixel of a CAPTCHA holds, 0 to 1, row by row. There is none outside.
struct InkPlane {
  std::vector<float> ink =
      std::vector<float>(static_cast<std::size_t>(captcha_width) * static_cast<std::size_t>(captcha_height));

  float& at(int row, int column) { return ink[offset(row, column)]; }
  float at(int row, int column) const {
    const bool inside = row >= 0 && row < captcha_height && column >= 0 && column < captcha_width;
    return inside ? ink[offset(row, column)] : 0.0f;
  }
  /// The bilinear mean of the four pixels about a place.
  float between(Point place) const {
    const double left = std::floor(place.x), top = std::floor(place.y);
    const auto right_share = static_cast<float>(place.x - left),
               lower_share = static_cast<float>(place.y - top);
    const int column = static_cast<int>(left), row = static_cast<int>(top);
    const float upper = at(row, column) * (1 - right_share) + at(row, column + 1) * right_share;
    const float lower = at(row + 1, column) * (1 - right_share) + at(row + 1, column + 1) * right_share;
    return upper * (1 - lower_share) + lower * lower_share;
  }

 private:
  static std::size_t offset(int row, int column) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(captcha_width) +
           static_cast<std::size_t>(column);
  }
};

/// Where a pixel of the watered image came from: rings of wavelength 2 and amplitude 1.5 that fade out 50
/// pixels from the middle. Two pixels a wave is what tears the strokes in the middle of a word into combs.
inline Point water(Point to) {
  constexpr double amplitude = 1.5, wavelength = 2, phase = 10, radius = 50;
  const double dx = to.x - captcha_width / 2.0, dy = to.y - captcha_height / 2.0;
  const double distance = std::hypot(dx, dy);
  if (distance == 0 || distance > radius) return to;
  const double push = amplitude * std::sin(distance / wavelength * 2 * std::numbers::pi - phase) *
                      (1 - distance / radius) * wavelength / distance;
  return {to.x + dx * push, to.y + dy * push};
}

/// Where a pixel of the rippled image came from.
inline Point ripple(Point to) {
  return {to.x + 2.6 * std::sin(to.y / 15), to.y + 1.7 * std::sin(to.x / 5)};
}

/// Where ripple() moves a place to: its inverse, as a fixed point (each step shrinks the error at least
/// threefold).
inline Point rippled(Point from) {
  Point to = from;
  for (int step = 0; step < 8; ++step)
    to = {from.x - 2.6 * std::sin(to.y / 15), from.y - 1.7 * std::sin(to.x / 5)};
  return to;
}

/// The grey value of a CAPTCHA's paper: a gradient from light grey in the upper left corner to white.
inline float paper(int row, int column) {
  constexpr float diagonal = captcha_width * captcha_width + captcha_height * captcha_height;
  return 192 + 63 * static_cast<float>(column * captcha_width + row * captcha_height) / diagonal;
}

/// The plane whose pixels come from where `origin` says. The places are computed at the first call.
template <Point (*origin)(Point)>
InkPlane warp(const InkPlane& plane) {
  static const std::vector<Point> places = [] {
    std::vector<Point> all;
    for (int row = 0; row < captcha_height; ++row)
      for (int column = 0; column < captcha_width; ++column)
        all.push_back(origin({static_cast<double>(column), static_cast<double>(row)}));
    return all;
  }();
  InkPlane moved;
  std::transform(places.begin(), places.end(), moved.ink.begin(),
                 [&](Point place) { return plane.between(place); });
  return moved;
}

}  // namespace captcha::app
