// Rows become columns, a square of registers at a time.
#pragma once

#include <captcha/kernels/registers.hpp>

#include <cstddef>
#include <utility>

namespace captcha {

/// to[column][row] = from[row][column], as a kernel for on_registers. `from_row` and `to_row` are the steps
/// from one row of either to its next.
template <class T>
struct Transpose {
  int rows;
  int columns;
  const T* from;
  std::ptrdiff_t from_row;
  T* to;
  std::ptrdiff_t to_row;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    int row = 0;
    for (; row + wide <= rows; row += wide) {
      int column = 0;
      for (; column + wide <= columns; column += wide) square<wide>(row, column);
      for (; column < columns; ++column)
        for (int r = row; r < row + wide; ++r) one(r, column);
    }
    for (; row < rows; ++row)
      for (int column = 0; column < columns; ++column) one(row, column);
  }

 private:
  [[gnu::always_inline]] inline void one(int row, int column) const {
    to[column * to_row + row] = from[row * from_row + column];
  }

  /// Dealing the first half of the rows with the second half like two hands of cards, value by value, moves
  /// every index by one bit; after as many rounds as an index has bits, rows and columns have changed places.
  template <int L>
  [[gnu::always_inline]] inline void square(int row, int column) const {
    using Vector = typename Lanes<T, L>::type;
    using Memory = typename Lanes<T, L>::Memory;
    Vector a[std::size_t{L}], b[std::size_t{L}];
    for (int r = 0; r < L; ++r)
      a[r] = reinterpret_cast<const Memory*>(from + (row + r) * from_row + column)->values;
    for (int round = 1; round < L; round *= 2) {
      for (int r = 0; r < L / 2; ++r)
        deal<L>(a[r], a[r + L / 2], b[2 * r], b[2 * r + 1], std::make_index_sequence<std::size_t{L}>{});
      for (int r = 0; r < L; ++r) a[r] = b[r];
    }
    for (int r = 0; r < L; ++r) reinterpret_cast<Memory*>(to + (column + r) * to_row + row)->values = a[r];
  }
  template <int L, std::size_t... I>
  [[gnu::always_inline]] static inline void deal(const typename Lanes<T, L>::type& a,
                                                 const typename Lanes<T, L>::type& b,
                                                 typename Lanes<T, L>::type& low,
                                                 typename Lanes<T, L>::type& high,
                                                 std::index_sequence<I...>) {
    low = __builtin_shufflevector(a, b, static_cast<int>(I / 2 + I % 2 * std::size_t{L})...);
    high = __builtin_shufflevector(a, b,
                                   static_cast<int>(I / 2 + std::size_t{L} / 2 + I % 2 * std::size_t{L})...);
  }
};

}  // namespace captcha
