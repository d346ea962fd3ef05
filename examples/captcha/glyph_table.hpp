// The twenty letters of the data set and the space that each takes in a CAPTCHA.
#pragma once

#include <captcha/core/error.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace captcha::app {

/// The letters' size in pixels, and the text's first pen position and line in a CAPTCHA.
inline constexpr int font_size = 40;
inline constexpr int text_start = 28;
inline constexpr int text_line = 43;

/// Where the ink of a letter lies: columns from the pen to the ink, and columns of ink.
struct GlyphBox {
  double bearing = 0;
  double width = 0;

  /// From this letter's pen to the next one's: Kaptcha adds two columns to the whole columns of the ink.
  constexpr int advance() const { return static_cast<int>(width) + 2; }
};

/// A letter has two designs, a proportional one and one of a typewriter; Kaptcha takes either by chance,
/// letter by letter.
struct Letter {
  char label = 0;
  std::array<GlyphBox, 2> designs{};
};

/// Measured in the CAPTCHAs of Wilhelmy and Rosas (2013) by aligning all of them with their solutions, once
/// the ripple is taken back; `a` does not occur there and is the font's own.
inline constexpr std::array<Letter, 20> letter_table{{
    {'2', {{{4.9, 19.5}, {4.9, 17.5}}}}, {'3', {{{4.9, 17.5}, {5.8, 18.5}}}},
    {'4', {{{3.7, 21.5}, {3.9, 20.5}}}}, {'5', {{{5.0, 17.5}, {6.9, 17.5}}}},
    {'6', {{{3.9, 19.5}, {4.6, 21.5}}}}, {'7', {{{5.5, 17.5}, {6.5, 19.5}}}},
    {'8', {{{3.9, 19.5}, {4.9, 21.5}}}}, {'a', {{{2.9, 20.5}, {3.7, 21.5}}}},
    {'b', {{{4.8, 21.5}, {4.3, 21.5}}}}, {'c', {{{2.9, 17.5}, {3.9, 19.5}}}},
    {'d', {{{2.9, 21.5}, {3.9, 20.5}}}}, {'e', {{{2.9, 19.5}, {3.9, 20.5}}}},
    {'f', {{{3.8, 16.5}, {5.9, 19.5}}}}, {'g', {{{2.9, 21.5}, {3.9, 20.5}}}},
    {'m', {{{4.8, 31.5}, {3.8, 20.5}}}}, {'n', {{{4.8, 19.5}, {4.4, 19.5}}}},
    {'p', {{{4.8, 21.5}, {3.7, 20.5}}}}, {'w', {{{3.4, 31.5}, {2.1, 23.5}}}},
    {'x', {{{3.6, 21.5}, {3.7, 22.5}}}}, {'y', {{{3.5, 22.5}, {3.1, 22.5}}}},
}};

/// The letters in the order of their class numbers.
inline constexpr std::array<char, letter_table.size()> labels = [] {
  std::array<char, letter_table.size()> all{};
  for (std::size_t number = 0; number < all.size(); ++number) all[number] = letter_table[number].label;
  return all;
}();

/// The letter's place in letter_table. Throws Error, which names `where`, if it is none of the twenty.
inline std::size_t letter_number(char label, std::string_view where) {
  for (std::size_t number = 0; number < letter_table.size(); ++number)
    if (letter_table[number].label == label) return number;
  throw Error(std::string(where) + ": '" + label + "' is no letter of these CAPTCHAs, expected letters of " +
              std::string(labels.begin(), labels.end()));
}

/// Letters in a CAPTCHA.
inline constexpr std::size_t solution_length = 5;

/// The solution in the name of a file: all of it but the extension, and what follows an underscore
/// (`2b827.png`, `2b827_2.png`).
inline std::string solution_of(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  return stem.substr(0, stem.find('_'));
}

/// The class numbers of a solution's letters. Throws Error, which names `where`, if it is no solution.
inline std::array<int, solution_length> solution_numbers(std::string_view solution, std::string_view where) {
  if (solution.size() != solution_length)
    throw Error(std::string(where) + ": the solution '" + std::string(solution) +
                "': " + std::to_string(solution.size()) +
                " of five letters; name the file by what it shows, such as 2b827.png");
  std::array<int, solution_length> numbers{};
  for (std::size_t position = 0; position < solution_length; ++position)
    numbers[position] = static_cast<int>(letter_number(solution[position], where));
  return numbers;
}

}  // namespace captcha::app
