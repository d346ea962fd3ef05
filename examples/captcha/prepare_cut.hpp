// Finds the letters of a CAPTCHA whose solution is known, and cuts them out.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/image.hpp>

#include "draw_water.hpp"
#include "glyph_cut.hpp"
#include "glyph_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// Letters in a CAPTCHA.
inline constexpr std::size_t solution_length = 5;

/// A letter found in a CAPTCHA: what it is, its place in the word from 1, where it lies, and its picture.
struct Cut {
  char label = 0;
  int position = 0;
  CutBox box{};
  Image image;
};

/// The ink in each column of a grey CAPTCHA, 0 to 1, with the ripple taken back so that letters stand
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
    for (int row = text_line - 30; row < text_line; ++row)
      profile[static_cast<std::size_t>(column)] += static_cast<double>(upright.at(row, column)) / 30;
  return profile;
}

/// The designs (0 or 1) of the letters `numbers` (see letter_number): of all that are possible, those that
/// leave the least ink between the letters and right of the last one, and the most within them.
inline std::vector<std::size_t> find_designs(const std::vector<double>& profile,
                                             const std::vector<std::size_t>& numbers) {
  // A letter fills about half of its columns' rows and a noise line a tenth: 0.3 tells them apart. So a
  // design that claims empty columns loses, and so does one that leaves full columns to no letter.
  constexpr double either = 0.3;
  constexpr double right_margin = 12;
  std::vector<double> sums(profile.size() + 1);
  std::partial_sum(profile.begin(), profile.end(), sums.begin() + 1);
  const auto ink_until = [&](double column) {  // fractional columns count by their share
    const double inside = std::min(column, static_cast<double>(profile.size()) - 1);
    const auto whole = static_cast<std::size_t>(inside);
    return sums[whole] + (inside - static_cast<double>(whole)) * profile[whole];
  };
  std::vector<std::size_t> best(numbers.size()), designs(numbers.size());
  double best_score = -std::numeric_limits<double>::infinity();
  for (std::size_t choice = 0; choice < std::size_t{1} << numbers.size(); ++choice) {
    double score = 0, last_end = text_start;
    int pen = text_start;
    for (std::size_t position = 0; position < numbers.size(); ++position) {
      designs[position] = choice >> position & 1;
      const GlyphBox& box = letter_table[numbers[position]].designs[designs[position]];
      const double right = pen + box.bearing + box.width;
      const double left = std::max(pen + box.bearing, last_end);  // no column counts for two letters
      score += ink_until(right) - ink_until(left) - either * (right - left);
      score -= ink_until(left) - ink_until(last_end);
      last_end = right;
      pen += box.advance();
    }
    score -= ink_until(last_end + right_margin) - ink_until(last_end);
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
  if (solution.size() != solution_length)
    fail("the solution '" + std::string(solution) + "' has " + std::to_string(solution.size()) +
         " letters, expected five; name the file by what it shows, such as 2b827.png");
  std::vector<std::size_t> numbers;
  for (const char label : solution) numbers.push_back(letter_number(label, where));

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
