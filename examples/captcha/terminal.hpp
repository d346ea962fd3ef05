// Pictures and bars in a terminal.
#pragma once

#include <captcha/data/image.hpp>
#include <captcha/train/progress_line.hpp>

#include "picture_sheet.hpp"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// Whether a stream is a terminal that may show colours (see no-color.org).
inline bool colours(std::FILE* stream = stdout) {
  const char* const refused = std::getenv("NO_COLOR");
  return is_terminal(stream) && (refused == nullptr || *refused == '\0');
}

/// Text from elsewhere, such as the name of a file, as it may be printed: control characters, with which it
/// could break the line or steer the terminal, become question marks.
inline std::string printable(std::string text) {
  for (char& letter : text)
    if (std::iscntrl(static_cast<unsigned char>(letter)) != 0) letter = '?';
  return text;
}

/// A text as a shell takes it for one word.
inline std::string as_shell_word(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+,:@%";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return text;
  std::string quoted = "'";
  for (const char letter : text) letter == '\'' ? quoted += "'\\''" : quoted += letter;
  return quoted + "'";
}

/// One line on standard error.
inline void print_error(const std::string& what) {
  std::fprintf(stderr, "captcha: %s\n", printable(what).c_str());
}

/// A bar of `width` characters, filled to `share` of it.
inline std::string bar(double share, int width = 24) {
  const int filled = static_cast<int>(share * width + 0.5);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < filled ? "█" : "·";
  return text;
}

/// The rows of a grey picture, two pixel rows to a line of half blocks where colours are allowed, else three
/// to a line of characters from dark to light; see stretched.
inline std::vector<std::string> picture_lines(const Image& grey) {
  const Image image = stretched(grey);
  const auto level = [&](int row, int column) {
    return row < image.height ? int{image.at(row, column)} : 255;
  };
  std::vector<std::string> lines;
  if (colours()) {
    for (int row = 0; row < image.height; row += 2) {
      std::string line;
      for (int column = 0; column < image.width; ++column) {
        char cell[64];
        const int up = level(row, column), down = level(row + 1, column);
        std::snprintf(cell, sizeof cell, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm▀", up, up, up, down, down,
                      down);
        line += cell;
      }
      lines.push_back(line + "\033[0m");
    }
  } else {
    constexpr std::string_view shades = "@%#*+=-:. ";
    for (int row = 0; row < image.height; row += 3) {
      std::string line;
      for (int column = 0; column < image.width; ++column) {
        const int sum = level(row, column) + level(row + 1, column) + level(row + 2, column);
        line += shades[static_cast<std::size_t>(sum * (static_cast<int>(shades.size()) - 1) / (3 * 255))];
      }
      lines.push_back(line);
    }
  }
  return lines;
}

}  // namespace captcha::app
