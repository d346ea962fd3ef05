// BFloat16: the upper half of a float, for values that are kept and not computed with.
#pragma once

#include <captcha/kernels/registers.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace captcha {

/// The sign, the exponent and 7 bits of the fraction of a float: the same range, to three digits.
struct BFloat16 {
  std::uint16_t bits;

  BFloat16() = default;
  /// The nearest one, the even one of two; what is not a number stays so.
  explicit constexpr BFloat16(float value) {
    const auto whole = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t rounded = value != value ? whole | 0x400000u : whole + 0x7FFFu + (whole >> 16 & 1u);
    bits = static_cast<std::uint16_t>(rounded >> 16);
  }
  explicit constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

/// Loads L values to compute with. By reference, as take_square_root.
template <int L>
[[gnu::always_inline]] inline void widen(const BFloat16* from, typename Lanes<float, L>::type& to) {
  const auto bits = reinterpret_cast<const typename Lanes<std::uint16_t, L>::Memory*>(from)->values;
  if constexpr (L == 1)
    to = std::bit_cast<float>(std::uint32_t{bits} << 16);
  else
    to = reinterpret_cast<typename Lanes<float, L>::type>(
        __builtin_convertvector(bits, typename Lanes<std::uint32_t, L>::type) << 16);
}
/// Loads 2 * L values, those in even places and those in odd ones: in half the operations that two registers
/// in order would take.
template <int L>
[[gnu::always_inline]] inline void widen(const BFloat16* from, typename Lanes<float, L>::type& even,
                                         typename Lanes<float, L>::type& odd) {
  static_assert(std::endian::native == std::endian::little);
  const auto pairs = reinterpret_cast<const typename Lanes<std::uint32_t, L>::Memory*>(from)->values;
  even = reinterpret_cast<typename Lanes<float, L>::type>(pairs << 16);
  odd = reinterpret_cast<typename Lanes<float, L>::type>(pairs & 0xFFFF0000u);
}

/// Two registers in order, from the values in even places and those in odd ones; and back.
template <class Vector, std::size_t... I>
[[gnu::always_inline]] inline void put_in_order(Vector& even, Vector& odd, std::index_sequence<I...>) {
  constexpr std::size_t count = sizeof...(I);
  const Vector first = __builtin_shufflevector(even, odd, static_cast<int>(I / 2 + I % 2 * count)...);
  odd = __builtin_shufflevector(even, odd, static_cast<int>((count + I) / 2 + I % 2 * count)...);
  even = first;
}
template <class Vector, std::size_t... I>
[[gnu::always_inline]] inline void take_apart(Vector& first, Vector& second, std::index_sequence<I...>) {
  const Vector even = __builtin_shufflevector(first, second, static_cast<int>(2 * I)...);
  second = __builtin_shufflevector(first, second, static_cast<int>(2 * I + 1)...);
  first = even;
}

}  // namespace captcha
