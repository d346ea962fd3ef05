// What the command line refuses, in words: numbers that are out of place, and words that are no command.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// The number that the whole of a text is; false when it is none.
template <class T>
bool reads_as(std::string_view text, T& number) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end;
}

/// A check of our own: CLI11's write the largest double out, all 309 digits of it.
template <class Fits>
CLI::Validator expecting(const std::string& what, Fits fits) {
  return CLI::Validator(
      [what, fits](std::string& text) {
        return fits(text) ? std::string() : "'" + text + "', expected " + what;
      },
      "");
}

inline CLI::Validator not_empty(const std::string& what) {
  return expecting(what, [](const std::string& text) { return !text.empty(); });
}

/// Takes whole numbers from `least` to `most`; none with leading zeros, for CLI11 would read 010 as an
/// octal 8.
inline CLI::Validator whole(std::uint64_t least,
                            std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  const bool open = most == std::numeric_limits<std::uint64_t>::max();
  return expecting(
      "a whole number, " + std::to_string(least) + (open ? " or more" : " to " + std::to_string(most)),
      [least, most](const std::string& text) {
        std::uint64_t number = 0;
        return reads_as(text, number) && number >= least && number <= most &&
               (text.size() == 1 || text[0] != '0');
      });
}

/// Takes numbers for which `fits` holds; infinity and not-a-number are none.
template <class Fits>
CLI::Validator number(const std::string& what, Fits fits) {
  return expecting(what, [fits](const std::string& text) {
    double value = 0;
    return reads_as(text, value) && std::isfinite(value) && fits(value);
  });
}
inline CLI::Validator above_zero() {
  return number("a number above 0, up to 1e30", [](double value) { return value > 0 && value <= 1e30; });
}
inline CLI::Validator not_negative() {
  return number("a number, 0 to 1e30", [](double value) { return value >= 0 && value <= 1e30; });
}
inline CLI::Validator from_zero_to(double most) {
  char text[32];
  const std::string shown(text, std::to_chars(text, text + sizeof text, most).ptr);
  return number("a number, 0 to " + shown, [most](double value) { return value >= 0 && value <= most; });
}

/// How many letters must be put in, taken out or replaced to make one word the other (Levenshtein 1965).
inline std::size_t edits(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t replaced = corner + (one[i] == other[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// Says which of `known` the word may be meant for, or, when none is near, names them all.
inline std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best, all;
  std::size_t least = word.size() / 3 + 2;  // that many edits make another word
  for (const std::string& candidate : known) {
    all += (all.empty() ? "" : ", ") + candidate;
    if (const std::size_t distance = edits(word, candidate); distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best.empty() ? "expected one of " + all : "did you mean " + best + "?";
}

/// What is wrong with the first word that the command line has and `command` knows nothing of; empty when it
/// knows all, or the word is no option where there are no commands to mistype.
inline std::string unknown_word(const CLI::App& command) {
  const std::vector<std::string> rest = command.remaining();
  if (rest.empty()) return "";
  std::vector<std::string> known;
  const std::string word = rest.front().substr(0, rest.front().find('='));
  if (word.starts_with("-")) {
    for (const CLI::Option* option : command.get_options())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    return "no option " + word + ", " + nearest(word, known);
  }
  for (const CLI::App* child : command.get_subcommands(nullptr)) known.push_back(child->get_name());
  return known.empty() ? "" : "no command '" + word + "', " + nearest(word, known);
}

}  // namespace captcha::app
