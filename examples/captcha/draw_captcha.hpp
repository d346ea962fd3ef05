// Draws CAPTCHAs the way the data set's were made: Kaptcha 2 with its defaults, 200 x 50, grey.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/data/image.hpp>

#include "draw_water.hpp"
#include "glyph_cut.hpp"
#include "glyph_font.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// A CAPTCHA, and where the ink of each of its letters lies.
struct Captcha {
  Image image;
  std::vector<InkSpan> letters;
};

/// Draws a straight stroke with square ends, as Java does; `width` in pixels.
inline void draw_stroke(InkPlane& plane, Point from, Point to, double width) {
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  const Point along = length > 0 ? Point{(to.x - from.x) / length, (to.y - from.y) / length} : Point{1, 0};
  const auto covered = [](double past_edge) { return std::clamp(0.5 - past_edge, 0.0, 1.0); };
  const auto whole = [](double place) { return static_cast<int>(std::floor(place)); };
  const double reach = width + 1;
  const int top = std::max(whole(std::min(from.y, to.y) - reach), 0);
  const int left = std::max(whole(std::min(from.x, to.x) - reach), 0);
  const int bottom = std::min(whole(std::max(from.y, to.y) + reach), captcha_height - 1);
  const int right = std::min(whole(std::max(from.x, to.x) + reach), captcha_width - 1);
  for (int row = top; row <= bottom; ++row)
    for (int column = left; column <= right; ++column) {
      const double dx = column - from.x, dy = row - from.y;
      const double beside = std::abs(dx * along.y - dy * along.x);
      const double ahead = std::abs(dx * along.x + dy * along.y - length / 2);
      const double ink = covered(beside - width / 2) * covered(ahead - (length + width) / 2);
      float& pixel = plane.at(row, column);
      pixel = 1 - (1 - pixel) * static_cast<float>(1 - ink);
    }
}

/// The corners of a cubic curve as straight pieces: halved until its control points lie within 2 pixels.
inline void flatten(Point a, Point b, Point c, Point d, int depth, std::vector<Point>& corners) {
  const auto from_chord = [&](Point p) {
    const double dx = d.x - a.x, dy = d.y - a.y, square = dx * dx + dy * dy;
    const double t = square > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / square, 0.0, 1.0) : 0.0;
    return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
  };
  if (depth == 0 || std::max(from_chord(b), from_chord(c)) <= 2) return corners.push_back(d);
  const auto middle = [](Point p, Point q) { return Point{(p.x + q.x) / 2, (p.y + q.y) / 2}; };
  const Point ab = middle(a, b), bc = middle(b, c), cd = middle(c, d);
  const Point abc = middle(ab, bc), bcd = middle(bc, cd), centre = middle(abc, bcd);
  flatten(a, ab, abc, centre, depth - 1, corners);
  flatten(centre, bcd, cd, d, depth - 1, corners);
}

/// A line of noise: a cubic curve whose four points stand at the given shares of the width, at chance
/// heights. Its first pieces are the thickest.
inline void draw_noise_line(InkPlane& plane, Random& random, const std::array<double, 4>& shares) {
  std::array<Point, 4> curve;
  for (std::size_t point = 0; point < 4; ++point)
    curve[point] = {captcha_width * shares[point], captcha_height * static_cast<double>(random.uniform())};
  std::vector<Point> corners{curve[0]};
  flatten(curve[0], curve[1], curve[2], curve[3], 10, corners);
  for (Point& corner : corners) corner = {std::trunc(corner.x), std::trunc(corner.y)};
  for (std::size_t piece = 0; piece + 1 < corners.size(); ++piece)
    draw_stroke(plane, corners[piece], corners[piece + 1],
                0.9 * (4 - static_cast<int>(std::min<std::size_t>(piece, 2))));
}

/// Five letters by chance, each as likely as the others.
inline std::string random_text(Random& random) {
  std::string text;
  while (text.size() < solution_length)
    text += labels[random.below(static_cast<std::uint32_t>(labels.size()))];
  return text;
}

/// Draws `text`: each letter in one of its two designs and of one chance weight, through the water and the
/// ripple, under two lines of noise, on a gradient from light grey to white. Throws Error if a letter is none
/// of the data set's or the text is empty or too long for the image.
inline Captcha draw_captcha(std::string_view text, Random& random,
                            const Glyphs& glyphs = installed_glyphs()) {
  if (text.empty()) throw Error("draw_captcha: no text, expected one to six letters, such as 2b827");
  InkPlane plane;
  Captcha captcha{{captcha_height, captcha_width, 1, {}}, {}};
  const std::size_t weight = random.below(Glyphs::weights);
  int pen = text_start;
  for (const char label : text) {
    const std::size_t number = letter_number(label, "draw_captcha");
    const std::size_t design = random.below(2);
    if (pen + Glyph::width > captcha_width)
      throw Error("draw_captcha: '" + std::string(text) +
                  "' is wider than the image, expected one to six letters");
    const Glyph& glyph = glyphs(number, design, weight);
    for (int row = 0; row < Glyph::height; ++row)
      for (int column = 0; column < Glyph::width; ++column) {
        const int down = text_line - Glyph::baseline + row;
        if (down >= captcha_height) continue;
        float& pixel = plane.at(down, pen + column);
        pixel = 1 - (1 - pixel) * (1 - static_cast<float>(glyph.at(row, column)) / 255);
      }
    const GlyphBox& box = letter_table[number].designs[design];
    captcha.letters.push_back(ink_span(box, pen));
    pen += box.advance();
  }
  plane = warp<ripple>(warp<water>(plane));
  draw_noise_line(plane, random, {0.1, 0.1, 0.25, 0.25});
  draw_noise_line(plane, random, {0.1, 0.25, 0.5, 0.9});

  for (int row = 0; row < captcha_height; ++row)
    for (int column = 0; column < captcha_width; ++column)
      captcha.image.pixels.push_back(
          static_cast<std::uint8_t>(std::lround(paper(row, column) * (1 - plane.at(row, column)))));
  return captcha;
}

}  // namespace captcha::app
