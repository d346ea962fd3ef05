// A string that may be a template argument: the names in Named<"conv1", …>.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace captcha {

/// A compile-time string of Size - 1 characters and a terminating zero.
template <std::size_t Size>
struct Name {
  char text[Size]{};

  constexpr Name() = default;
  // Implicit, so that a literal can be written where a Name is wanted.
  constexpr Name(const char (&literal)[Size]) { std::copy_n(literal, Size, text); }

  constexpr std::string_view view() const { return {text, Size - 1}; }
};

/// The decimal digits of a number below 1000, as Sequential names its layers.
template <std::size_t Number>
constexpr auto number_name() {
  static_assert(Number < 1000, "captcha: Sequential numbers at most 1000 layers");
  constexpr std::size_t digits = Number < 10 ? 1 : Number < 100 ? 2 : 3;
  Name<digits + 1> name;
  for (std::size_t digit = digits, rest = Number; digit > 0; --digit, rest /= 10)
    name.text[digit - 1] = static_cast<char>('0' + rest % 10);
  return name;
}

}  // namespace captcha
