// The transformations of Winograd's short convolution F(4 x 4, 3 x 3) (Lavin and Gray 2015,
// arXiv:1509.09308), 36 multiplications for 16 outputs that need 144, and of F(4 x 2) and F(2 x 4).
//
// Polynomials multiply point by point. A tile of 6 x 6 inputs and a kernel are evaluated at 6 x 6 points
// ("spread"), multiplied there, and read back as 4 x 4 outputs ("gathered"). Both steps work on whole
// registers, because all channels and samples of a pixel lie side by side.
#pragma once

#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/registers.hpp>
#include <captcha/kernels/winograd_matrices.hpp>

#include <algorithm>
#include <cstddef>

namespace captcha::winograd {

/// The outputs of a tile along each axis.
struct Tile {
  int rows;
  int columns;

  constexpr int points() const { return (rows + 2) * (columns + 2); }
};

/// A transformation along one axis, of L values side by side.
template <class Matrix, class T, int L>
struct Along {
  using Vector = typename Lanes<T, L>::type;
  static constexpr int columns = Matrix::columns;
  static constexpr int size = Matrix::size;
  static constexpr int halves = size / 2 + 1;  // the first point, the pairs, the last

  /// out[point] = sum over columns of row[point][column] * in[column].
  [[gnu::always_inline]] static inline void spread(const Vector (&in)[std::size_t{columns}],
                                                   Vector (&out)[std::size_t{size}]) {
    dot<0, 0, 1>(in, out[0]);
    opposite<1>(in, out);
    if constexpr (size == 6) opposite<3>(in, out);
    dot<size - 1, 0, 1>(in, out[size - 1]);
  }
  /// out[column] = sum over points of row[point][column] * in[point].
  [[gnu::always_inline]] static inline void gather(const Vector (&in)[std::size_t{size}],
                                                   Vector (&out)[std::size_t{columns}]) {
    Vector even[std::size_t{halves}], odd[std::size_t{halves}];
    even[0] = odd[0] = in[0];
    even[halves - 1] = odd[halves - 1] = in[size - 1];
    for (int pair = 1; pair < halves - 1; ++pair) {
      even[pair] = in[2 * pair - 1] + in[2 * pair];
      odd[pair] = in[2 * pair - 1] - in[2 * pair];
    }
    gather_from<0>(even, odd, out);
  }

 private:
  template <int Point>
  [[gnu::always_inline]] static inline void opposite(const Vector (&in)[std::size_t{columns}],
                                                     Vector (&out)[std::size_t{size}]) {
    Vector even, odd;
    dot<Point, 0, 2>(in, even);
    dot<Point, 1, 2>(in, odd);
    out[Point] = even + odd;
    out[Point + 1] = even - odd;
  }
  /// sum = row[Point] * in, over every Step-th column; zeros are left out.
  template <int Point, int Column, int Step, bool First = true>
  [[gnu::always_inline]] static inline void dot(const Vector (&in)[std::size_t{columns}], Vector& sum) {
    if constexpr (Column < columns) {
      constexpr T factor = static_cast<T>(Matrix::rows[Point][Column]);
      if constexpr (factor != 0) add<First>(factor, in[Column], sum);
      dot<Point, Column + Step, Step, First && factor == 0>(in, sum);
    }
  }
  template <int Column>
  [[gnu::always_inline]] static inline void gather_from(const Vector (&even)[std::size_t{halves}],
                                                        const Vector (&odd)[std::size_t{halves}],
                                                        Vector (&out)[std::size_t{columns}]) {
    if constexpr (Column < columns) {
      gather_one<Column, 0>(Column % 2 == 0 ? even : odd, out[Column]);
      gather_from<Column + 1>(even, odd, out);
    }
  }
  template <int Column, int Half, bool First = true>
  [[gnu::always_inline]] static inline void gather_one(const Vector (&in)[std::size_t{halves}], Vector& sum) {
    if constexpr (Half < halves) {
      constexpr int point = Half == 0 ? 0 : 2 * Half - 1;
      constexpr T factor = static_cast<T>(Matrix::rows[point][Column]);
      if constexpr (factor != 0) add<First>(factor, in[Half], sum);
      gather_one<Column, Half + 1, First && factor == 0>(in, sum);
    }
  }
  template <bool First>
  [[gnu::always_inline]] static inline void add(T factor, const Vector& value, Vector& sum) {
    if constexpr (First)
      sum = factor * value;
    else
      sum += factor * value;
  }
};

/// Where the pixels (or taps) of a tile lie. Those outside rows and columns do not exist.
template <class T>
struct Place {
  T* pixel;  ///< row 0, column 0
  std::ptrdiff_t row;
  std::ptrdiff_t column;
  Slice rows;
  Slice columns;
};

/// Values that lie side by side: `count` runs of `length` values, `pace` apart.
struct Runs {
  int count;
  int length;
  std::ptrdiff_t pace;
};

/// A tile to its points, as a kernel for on_registers. Each point gets the runs one behind the other, with
/// zeros up to `padded` values each.
template <template <int> class Matrix, class T>
struct Spread {
  Tile tile;
  Place<const T> from;
  Runs runs;
  T* to;
  std::ptrdiff_t point;  ///< from one point to the next
  int padded;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    for (int run = 0; run < runs.count; ++run) {
      int k = 0;
      for (; k + wide <= runs.length; k += wide) values<wide>(run, k);
      for (; k < runs.length; ++k) values<1>(run, k);
      if (k < padded)
        for (int i = 0; i < tile.points(); ++i)
          std::fill(to + i * point + run * padded + k, to + i * point + (run + 1) * padded, T{0});
    }
  }

 private:
  template <int L>
  using Vector = typename Lanes<T, L>::type;
  template <int L>
  using Memory = typename Lanes<T, L>::Memory;

  template <int L>
  [[gnu::always_inline]] inline void values(int run, int k) const {
    Vector<L> half[6][6];  // [point of the row][row]
    const T* const source = from.pixel + run * runs.pace + k;
    if (tile.columns == 4)
      along_rows<L, 4>(source, half);
    else
      along_rows<L, 2>(source, half);
    T* const target = to + run * padded + k;
    if (tile.rows == 4)
      along_columns<L, 4>(half, target);
    else
      along_columns<L, 2>(half, target);
  }

  template <int L, int Outputs>
  [[gnu::always_inline]] inline void along_rows(const T* source, Vector<L> (&half)[6][6]) const {
    using M = Matrix<Outputs>;
    const int rows = tile.rows == 4 ? Matrix<4>::columns : Matrix<2>::columns;
    for (int i = 0; i < rows; ++i) {
      Vector<L> in[std::size_t{M::columns}]{}, out[std::size_t{M::size}];
      if (from.rows.begin <= i && i < from.rows.end)
        for (int j = 0; j < M::columns; ++j)
          if (from.columns.begin <= j && j < from.columns.end)
            in[j] = reinterpret_cast<const Memory<L>*>(source + i * from.row + j * from.column)->values;
      Along<M, T, L>::spread(in, out);
      for (int j = 0; j < M::size; ++j) half[j][i] = out[j];
    }
  }
  template <int L, int Outputs>
  [[gnu::always_inline]] inline void along_columns(const Vector<L> (&half)[6][6], T* target) const {
    using M = Matrix<Outputs>;
    const int columns = tile.columns + 2;
    for (int j = 0; j < columns; ++j) {
      Vector<L> in[std::size_t{M::columns}], out[std::size_t{M::size}];
      for (int i = 0; i < M::columns; ++i) in[i] = half[j][i];
      Along<M, T, L>::spread(in, out);
      for (int i = 0; i < M::size; ++i)
        reinterpret_cast<Memory<L>*>(target + (i * columns + j) * point)->values = out[i];
    }
  }
};

/// The points of a tile back to its pixels, as a kernel for on_registers. `bias` holds a value a run, or is
/// null; `add` is a tile to be added, laid out as `to`, or null (and may be `to` itself).
template <template <int> class Matrix, class T>
struct Gather {
  Tile tile;
  const T* from;
  std::ptrdiff_t point;
  int padded;
  Runs runs;
  Place<T> to;
  const T* bias = nullptr;
  const T* add = nullptr;
  bool rectify = false;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    for (int run = 0; run < runs.count; ++run) {
      int k = 0;
      for (; k + wide <= runs.length; k += wide) values<wide>(run, k);
      for (; k < runs.length; ++k) values<1>(run, k);
    }
  }

 private:
  template <int L>
  using Vector = typename Lanes<T, L>::type;
  template <int L>
  using Memory = typename Lanes<T, L>::Memory;

  template <int L>
  [[gnu::always_inline]] inline void values(int run, int k) const {
    Vector<L> half[6][6];  // [column][point of the column]
    const T* const source = from + run * padded + k;
    if (tile.columns == 4)
      along_rows<L, 4>(source, half);
    else
      along_rows<L, 2>(source, half);
    if (tile.rows == 4)
      along_columns<L, 4>(half, run, k);
    else
      along_columns<L, 2>(half, run, k);
  }

  template <int L, int Outputs>
  [[gnu::always_inline]] inline void along_rows(const T* source, Vector<L> (&half)[6][6]) const {
    using M = Matrix<Outputs>;
    for (int i = 0; i < tile.rows + 2; ++i) {
      Vector<L> in[std::size_t{M::size}], out[std::size_t{M::columns}];
      for (int j = 0; j < M::size; ++j)
        in[j] = reinterpret_cast<const Memory<L>*>(source + (i * M::size + j) * point)->values;
      Along<M, T, L>::gather(in, out);
      for (int j = 0; j < M::columns; ++j) half[j][i] = out[j];
    }
  }
  template <int L, int Outputs>
  [[gnu::always_inline]] inline void along_columns(const Vector<L> (&half)[6][6], int run, int k) const {
    using M = Matrix<Outputs>;
    const std::ptrdiff_t at = run * runs.pace + k;
    for (int j = to.columns.begin; j < to.columns.end; ++j) {
      Vector<L> in[std::size_t{M::size}], out[std::size_t{M::columns}];
      for (int i = 0; i < M::size; ++i) in[i] = half[j][i];
      Along<M, T, L>::gather(in, out);
      for (int i = to.rows.begin; i < to.rows.end; ++i) {
        const std::ptrdiff_t pixel = at + i * to.row + j * to.column;
        Vector<L> value = out[i];
        if (bias) value += bias[run];
        if (add) value += reinterpret_cast<const Memory<L>*>(add + pixel)->values;
        if (rectify) value = value < T{0} ? Vector<L>{} : value;
        reinterpret_cast<Memory<L>*>(to.pixel + pixel)->values = value;
      }
    }
  }
};

}  // namespace captcha::winograd
