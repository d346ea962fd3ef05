// Looking for numbers that are none.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace captcha {

/// Numbers below this have squares that are numbers too.
template <class T>
inline constexpr T sound_limit = sizeof(T) == 4 ? T(0x1p63) : T(0x1p511);

/// Whether a value and its square are numbers: neither infinite nor not-a-number.
template <class T>
constexpr bool is_sound(T value) {
  return value > -sound_limit<T> && value < sound_limit<T>;
}

/// Whether all values are sound. Compares bits, which vectorises where comparing numbers does not: those of
/// positive numbers are ordered as the numbers are, with infinity and not-a-number above all.
template <class T>
bool all_sound(std::size_t count, const T* values) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits without_sign = ~Bits{0} >> 1;
  constexpr Bits limit = std::bit_cast<Bits>(sound_limit<T>);
  Bits largest = 0;
  for (std::size_t i = 0; i < count; ++i)
    largest = std::max(largest, std::bit_cast<Bits>(values[i]) & without_sign);
  return largest < limit;
}

/// How many values are not sound.
template <class T>
std::size_t count_unsound(std::size_t count, const T* values) {
  return static_cast<std::size_t>(
      std::count_if(values, values + count, [](T value) { return !is_sound(value); }));
}

}  // namespace captcha
