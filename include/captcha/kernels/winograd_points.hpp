// The transformations of Winograd's short convolution F(4 x 4, 3 x 3) (Lavin and Gray 2015,
// arXiv:1509.09308): 36 multiplications for 16 outputs that need 144.
//
// Polynomials multiply point by point. A tile of 6 x 6 inputs and a kernel are evaluated at 6 x 6 points
// ("spread"), multiplied there, and read back as 4 x 4 outputs ("gathered"). Both steps work on whole
// registers, because all channels and samples of a pixel lie side by side.
#pragma once

#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/registers.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace captcha::winograd {

inline constexpr int step = 4;  ///< outputs of a tile, along each axis
inline constexpr int size = 6;  ///< inputs of a tile, along each axis
inline constexpr int points = size * size;

// --- matrices: all follow from the points ---

/// Where polynomials are evaluated; the last point is infinity. With 3/4 and 3/2 the error of float is 2.6
/// times that of the direct sum (with the usual 1 and 2 it is 4.5 times).
inline constexpr std::array<double, std::size_t{size} - 1> places{0, 0.75, -0.75, 1.5, -1.5};

/// Matrices have a row a point. Rows 1 and 2, 3 and 4 belong to opposite points: they are equal in the even
/// columns and opposite in the odd ones.
template <int Columns>
using Rows = std::array<std::array<double, std::size_t{Columns}>, std::size_t{size}>;

/// A polynomial's value at each point, by its coefficients.
template <int Columns>
constexpr Rows<Columns> values_at_points() {
  Rows<Columns> rows{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    double power = 1;
    for (double& value : rows[i]) {
      value = power;
      power *= places[i];
    }
  }
  rows.back().back() = 1;
  return rows;
}

/// Outputs to points and, transposed, points to outputs.
struct OutputMatrix {
  static constexpr int columns = step;
  static constexpr Rows<columns> rows = values_at_points<columns>();
};

/// Kernels to points.
struct KernelMatrix {
  static constexpr int columns = 3;
  static constexpr Rows<columns> rows = [] {
    Rows<columns> result = values_at_points<columns>();
    for (std::size_t i = 0; i < places.size(); ++i)
      for (std::size_t j = 0; j < places.size(); ++j)
        if (i != j)
          for (double& value : result[i]) value /= places[i] - places[j];
    return result;
  }();
};

/// Inputs to points: row i holds the coefficients of the product of x - p over all other points p.
struct InputMatrix {
  static constexpr int columns = size;
  static constexpr Rows<columns> rows = [] {
    Rows<columns> result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i][0] = 1;
      for (std::size_t j = 0; j < places.size(); ++j) {
        if (i == j) continue;
        for (std::size_t power = size - 1; power > 0; --power)
          result[i][power] = result[i][power - 1] - places[j] * result[i][power];
        result[i][0] *= -places[j];
      }
    }
    return result;
  }();
};

/// A transformation along one axis, of L values side by side.
template <class Matrix, class T, int L>
struct Along {
  using Vector = typename Lanes<T, L>::type;
  static constexpr int columns = Matrix::columns;

  /// out[point] = sum over columns of row[point][column] * in[column].
  [[gnu::always_inline]] static inline void spread(const Vector (&in)[std::size_t{columns}],
                                                   Vector (&out)[std::size_t{size}]) {
    dot<0, 0, 1>(in, out[0]);
    opposite<1>(in, out);
    opposite<3>(in, out);
    dot<5, 0, 1>(in, out[5]);
  }
  /// out[column] = sum over points of row[point][column] * in[point].
  [[gnu::always_inline]] static inline void gather(const Vector (&in)[std::size_t{size}],
                                                   Vector (&out)[std::size_t{columns}]) {
    const Vector even[] = {in[0], in[1] + in[2], in[3] + in[4], in[5]};
    const Vector odd[] = {in[0], in[1] - in[2], in[3] - in[4], in[5]};
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
  [[gnu::always_inline]] static inline void gather_from(const Vector (&even)[4], const Vector (&odd)[4],
                                                        Vector (&out)[std::size_t{columns}]) {
    if constexpr (Column < columns) {
      gather_one<Column, 0>(Column % 2 == 0 ? even : odd, out[Column]);
      gather_from<Column + 1>(even, odd, out);
    }
  }
  template <int Column, int Pair, bool First = true>
  [[gnu::always_inline]] static inline void gather_one(const Vector (&in)[4], Vector& sum) {
    if constexpr (Pair < 4) {
      constexpr int point[] = {0, 1, 3, 5};
      constexpr T factor = static_cast<T>(Matrix::rows[point[Pair]][Column]);
      if constexpr (factor != 0) add<First>(factor, in[Pair], sum);
      gather_one<Column, Pair + 1, First && factor == 0>(in, sum);
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
template <class Matrix, class T>
struct Spread {
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
        for (int i = 0; i < points; ++i)
          std::fill(to + i * point + run * padded + k, to + i * point + (run + 1) * padded, T{0});
    }
  }

 private:
  template <int L>
  [[gnu::always_inline]] inline void values(int run, int k) const {
    using Vector = typename Lanes<T, L>::type;
    constexpr int columns = Matrix::columns;
    const T* const source = from.pixel + run * runs.pace + k;
    Vector half[std::size_t{size}][std::size_t{columns}];  // [point of the row][row]
    for (int i = 0; i < columns; ++i) {
      Vector in[std::size_t{columns}]{}, out[std::size_t{size}];
      if (from.rows.begin <= i && i < from.rows.end)
        for (int j = 0; j < columns; ++j)
          if (from.columns.begin <= j && j < from.columns.end)
            in[j] = *reinterpret_cast<const Vector*>(source + i * from.row + j * from.column);
      Along<Matrix, T, L>::spread(in, out);
      for (int j = 0; j < size; ++j) half[j][i] = out[j];
    }
    T* const target = to + run * padded + k;
    for (int j = 0; j < size; ++j) {
      Vector out[std::size_t{size}];
      Along<Matrix, T, L>::spread(half[j], out);
      for (int i = 0; i < size; ++i) *reinterpret_cast<Vector*>(target + (i * size + j) * point) = out[i];
    }
  }
};

/// The points of a tile back to its pixels, as a kernel for on_registers. `bias` holds a value a run, or is
/// null; `add` is a tile to be added, laid out as `to`, or null (and may be `to` itself).
template <class Matrix, class T>
struct Gather {
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
  [[gnu::always_inline]] inline void values(int run, int k) const {
    using Vector = typename Lanes<T, L>::type;
    constexpr int columns = Matrix::columns;
    const T* const source = from + run * padded + k;
    Vector half[std::size_t{columns}][std::size_t{size}];  // [column][point of the column]
    for (int i = 0; i < size; ++i) {
      Vector in[std::size_t{size}], out[std::size_t{columns}];
      for (int j = 0; j < size; ++j)
        in[j] = *reinterpret_cast<const Vector*>(source + (i * size + j) * point);
      Along<Matrix, T, L>::gather(in, out);
      for (int j = 0; j < columns; ++j) half[j][i] = out[j];
    }
    const std::ptrdiff_t at = run * runs.pace + k;
    for (int j = to.columns.begin; j < to.columns.end; ++j) {
      Vector out[std::size_t{columns}];
      Along<Matrix, T, L>::gather(half[j], out);
      for (int i = to.rows.begin; i < to.rows.end; ++i) {
        const std::ptrdiff_t pixel = at + i * to.row + j * to.column;
        Vector value = out[i];
        if (bias) value += bias[run];
        if (add) value += *reinterpret_cast<const Vector*>(add + pixel);
        if (rectify) value = value < T{0} ? Vector{} : value;
        *reinterpret_cast<Vector*>(to.pixel + pixel) = value;
      }
    }
  }
};

}  // namespace captcha::winograd
