// Cuts single characters out of a CAPTCHA as the data set's characters were cut.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/png.hpp>

#include "draw_water.hpp"
#include "glyph_table.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace captcha::app {

/// Columns and rows of a character.
inline constexpr int character_width = 32;
inline constexpr int character_height = 52;

/// The columns of a CAPTCHA between which a letter's ink lies.
struct InkSpan {
  double left = 0;
  double right = 0;
};

/// Where the ink of a letter lies whose pen stood at column `pen` before the ripple moved it.
inline InkSpan ink_span(const GlyphBox& box, int pen) {
  const double middle = text_line - 11.0, left = pen + box.bearing;
  return {rippled({left, middle}).x, rippled({left + box.width, middle}).x};
}

/// A box to cut: columns and rows from the first to before the last.
struct CutBox {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
};

/// The box about a letter: its ink and two columns on either side, 20 to 32 columns in all, down to row 48,
/// from row 4 where the letter is tall and row 10 where it is not.
inline CutBox cut_box(char label, InkSpan ink) {
  constexpr std::string_view tall = "2345678bdf";
  const int width = std::clamp(static_cast<int>(std::lround(ink.right - ink.left)) + 4, 20, 32);
  const int left = static_cast<int>(std::lround((ink.left + ink.right - width) / 2));
  return {left, tall.find(label) != tall.npos ? 4 : 10, left + width, 48};
}

/// The box with each side moved by chance, as the data set's boxes scatter: 3 columns, 2 rows, 20 to 32 wide.
inline CutBox jittered(CutBox box, Random& random) {
  const auto move = [&](int most) {
    return static_cast<int>(random.below(2u * static_cast<unsigned>(most) + 1)) - most;
  };
  box.left += move(3);
  box.right = std::clamp(box.right + move(3), box.left + 20, box.left + 32);
  box.top += move(2);
  box.bottom += move(2);
  return box;
}

/// The part of a grey image within a box, at the size of a character. What lies outside the image repeats its
/// nearest pixel.
inline Image cut_out(const Image& grey, const CutBox& box) {
  Image cut{box.bottom - box.top, box.right - box.left, 1, {}};
  for (int row = box.top; row < box.bottom; ++row)
    for (int column = box.left; column < box.right; ++column)
      cut.pixels.push_back(
          grey.at(std::clamp(row, 0, grey.height - 1), std::clamp(column, 0, grey.width - 1)));
  return resize(cut, character_height, character_width);
}

}  // namespace captcha::app
