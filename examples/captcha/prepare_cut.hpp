// Finds the letters of a CAPTCHA whose solution is known, and cuts them out.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/image.hpp>

#include "draw_water.hpp"
#include "glyph_cut.hpp"
#include "glyph_font.hpp"
#include "glyph_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// A letter found in a CAPTCHA: what it is, its place in the word from 1, where it lies, and its picture.
struct Cut {
  char label = 0;
  int position = 0;
  CutBox box{};
  Image image;
};

/// The rows of a CAPTCHA in which its letters stand: the last ones above the text's line.
inline constexpr int letter_rows = 30;

/// The ink in each column of a grey CAPTCHA, in pixels, with the ripple taken back so that letters stand
/// upright.
inline std::vector<double> ink_profile(const Image& grey) {
  InkPlane plane;
  for (int row = 0; row < captcha_height; ++row)
    for (int column = 0; column < captcha_width; ++column)
      plane.at(row, column) =
          std::max(0.0f, 1 - static_cast<float>(grey.at(row, column)) / paper(row, column));
  const InkPlane upright = warp<rippled>(plane);
  std::vector<double> profile(static_cast<std::size_t>(captcha_width));
  for (int column = 0; column < captcha_width; ++column)
    for (int row = text_line - letter_rows; row < text_line; ++row)
      profile[static_cast<std::size_t>(column)] += static_cast<double>(upright.at(row, column));
  return profile;
}

/// The profile that ink_profile() would find if the letters `numbers` (see letter_number) stood in these
/// designs, without noise.
inline std::vector<double> expected_profile(const std::vector<std::size_t>& numbers,
                                            const std::vector<std::size_t>& designs, const Glyphs& glyphs) {
  std::vector<double> profile(static_cast<std::size_t>(captcha_width));
  int pen = text_start;
  for (std::size_t position = 0; position < numbers.size(); ++position) {
    const Glyph& glyph = glyphs(numbers[position], designs[position], Glyphs::weights / 2);
    for (int column = 0; column < Glyph::width && pen + column < captcha_width; ++column)
      for (int row = Glyph::baseline - letter_rows; row < Glyph::baseline; ++row)
        profile[static_cast<std::size_t>(pen + column)] += glyph.at(row, column) / 255.0;
    pen += letter_table[numbers[position]].designs[designs[position]].advance();
  }
  return profile;
}

/// Pearson's correlation of two rows of numbers, from the text's start on; 0 if one of them is constant.
inline double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  constexpr auto first = static_cast<std::size_t>(text_start);
  const auto count = static_cast<double>(a.size() - first);
  const auto mean = [&](const std::vector<double>& values) {
    return std::accumulate(values.begin() + text_start, values.end(), 0.0) / count;
  };
  const double mean_a = mean(a), mean_b = mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = first; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

/// The designs (0 or 1) of the letters `numbers`: of all that are possible, those whose ink lies most alike.
/// Widths alone would not do: a wide m and a narrow one end where a narrow and a wide one do.
inline std::vector<std::size_t> find_designs(const std::vector<double>& profile,
                                             const std::vector<std::size_t>& numbers,
                                             const Glyphs& glyphs = installed_glyphs()) {
  std::vector<std::size_t> best(numbers.size()), designs(numbers.size());
  double best_score = -1;
  for (std::size_t choice = 0; choice < std::size_t{1} << numbers.size(); ++choice) {
    for (std::size_t position = 0; position < numbers.size(); ++position)
      designs[position] = choice >> position & 1;
    const double score = correlation(profile, expected_profile(numbers, designs, glyphs));
    if (score > best_score) {
      best_score = score;
      best = designs;
    }
  }
  return best;
}

/// Cuts the five letters out of a CAPTCHA of 200 x 50 grey pixels, of which `solution` is the text. Throws
/// Error, which names `where`, if the size, the number of letters or a letter is not the data set's.
inline std::vector<Cut> cut_captcha(const Image& grey, std::string_view solution,
                                    std::string_view where = "cut_captcha") {
  const auto fail = [&](const std::string& what) { throw Error(std::string(where) + ": " + what); };
  if (grey.width != captcha_width || grey.height != captcha_height || grey.channels != 1)
    fail(std::to_string(grey.width) + " x " + std::to_string(grey.height) + " pixels of " +
         std::to_string(grey.channels) + " channels, expected a CAPTCHA of 200 x 50 grey ones");
  const auto classes = solution_numbers(solution, where);
  const std::vector<std::size_t> numbers(classes.begin(), classes.end());

  const std::vector<std::size_t> designs = find_designs(ink_profile(grey), numbers);
  std::vector<Cut> cuts;
  int pen = text_start;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Letter& letter = letter_table[numbers[i]];
    const GlyphBox& glyph = letter.designs[designs[i]];
    const CutBox box = cut_box(letter.label, ink_span(glyph, pen));
    cuts.push_back({letter.label, static_cast<int>(i) + 1, box, cut_out(grey, box)});
    pen += glyph.advance();
  }
  return cuts;
}

}  // namespace captcha::app
