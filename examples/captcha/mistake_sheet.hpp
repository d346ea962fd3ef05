// A sheet of the pictures that a model read wrongly, for a person to judge.
#pragma once

#include <captcha/data/png.hpp>

#include "characters.hpp"
#include "evaluation.hpp"
#include "glyph_font.hpp"
#include "picture_sheet.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <vector>

namespace captcha::app {

/// A letter of the table, black on white, `height` rows high.
inline Image letter_picture(std::size_t number, int height) {
  const Glyph& glyph = installed_glyphs()(number, 0, 1);
  Image picture{Glyph::height, Glyph::width, 1, {}};
  for (const std::uint8_t ink : glyph.ink) picture.pixels.push_back(static_cast<std::uint8_t>(255 - ink));
  return resize(picture, height, height * Glyph::width / Glyph::height);
}

/// Every mistake as a picture with the letter of its label and, behind an arrow, the letter that was read.
/// Eight to a row, the surest mistakes first.
inline void write_mistake_sheet(const std::filesystem::path& file, const JudgedImages& data,
                                const std::vector<const Judged*>& mistakes) {
  constexpr int columns = 8, zoom = 2, gap = 10, text = 30;
  constexpr int cell_width = zoom * character.width + gap, cell_height = zoom * character.height + text + gap;
  const int rows = std::max(1, static_cast<int>((mistakes.size() + columns - 1) / columns));
  Image sheet{rows * cell_height + gap, columns * cell_width + gap, 1, {}};
  sheet.pixels.assign(static_cast<std::size_t>(sheet.height) * static_cast<std::size_t>(sheet.width), 255);
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    const int row = gap + static_cast<int>(i) / columns * cell_height;
    const int column = gap + static_cast<int>(i) % columns * cell_width;
    const Image picture = to_grey(read_png(data.name(mistakes[i]->index)));
    place(sheet, stretched(resize(picture, zoom * character.height, zoom * character.width)), row, column);
    const int line = row + zoom * character.height;
    place(sheet, letter_picture(mistakes[i]->truth, text), line, column);
    place(sheet, letter_picture(mistakes[i]->ranking.best(), text), line,
          column + zoom * character.width / 2 + 4);
    for (int x = 0; x < 10; ++x)
      for (int y = -std::max(0, 4 - std::abs(9 - x)); y <= std::max(0, 4 - std::abs(9 - x)); ++y)
        if (y == 0 || std::abs(y) == 9 - x)
          sheet.at(line + text / 2 + y, column + zoom * character.width / 2 - 8 + x) = 120;
  }
  write_png(file, sheet);
}

}  // namespace captcha::app
