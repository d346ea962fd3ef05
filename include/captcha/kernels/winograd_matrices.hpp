// The matrices of Winograd's short convolutions F(2, 3) and F(4, 3), all of which follow from the points
// where polynomials are evaluated. A tile has 2 or 4 outputs along each axis, and two more inputs and points.
#pragma once

#include <array>
#include <cstddef>

namespace captcha::winograd {

/// Where polynomials are evaluated; the last point is infinity. With 3/4 and 3/2 the error of float is 2.6
/// times that of the direct sum (with the usual 1 and 2 it is 4.5 times).
template <int Outputs>
inline constexpr std::array<double, 5> places{0, 0.75, -0.75, 1.5, -1.5};
template <>
inline constexpr std::array<double, 3> places<2>{0, 1, -1};

/// Matrices have a row a point. Rows 1 and 2, 3 and 4 belong to opposite points: they are equal in the even
/// columns and opposite in the odd ones.
template <int Outputs, int Columns>
using Rows = std::array<std::array<double, std::size_t{Columns}>, std::size_t{Outputs} + 2>;

/// A polynomial's value at each point, by its coefficients.
template <int Outputs, int Columns>
constexpr Rows<Outputs, Columns> values_at_points() {
  Rows<Outputs, Columns> rows{};
  for (std::size_t i = 0; i < places<Outputs>.size(); ++i) {
    double power = 1;
    for (double& value : rows[i]) {
      value = power;
      power *= places<Outputs>[i];
    }
  }
  rows.back().back() = 1;
  return rows;
}

/// Outputs to points and, transposed, points to outputs.
template <int Outputs>
struct OutputMatrix {
  static constexpr int size = Outputs + 2;
  static constexpr int columns = Outputs;
  static constexpr Rows<Outputs, columns> rows = values_at_points<Outputs, columns>();
};

/// Kernels to points.
template <int Outputs>
struct KernelMatrix {
  static constexpr int size = Outputs + 2;
  static constexpr int columns = 3;
  static constexpr Rows<Outputs, columns> rows = [] {
    Rows<Outputs, columns> result = values_at_points<Outputs, columns>();
    for (std::size_t i = 0; i < places<Outputs>.size(); ++i)
      for (std::size_t j = 0; j < places<Outputs>.size(); ++j)
        if (i != j)
          for (double& value : result[i]) value /= places<Outputs>[i] - places<Outputs>[j];
    return result;
  }();
};

/// Inputs to points: row i holds the coefficients of the product of x - p over all other points p.
template <int Outputs>
struct InputMatrix {
  static constexpr int size = Outputs + 2;
  static constexpr int columns = size;
  static constexpr Rows<Outputs, columns> rows = [] {
    Rows<Outputs, columns> result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i][0] = 1;
      for (std::size_t j = 0; j < places<Outputs>.size(); ++j) {
        if (i == j) continue;
        for (std::size_t power = std::size_t{size} - 1; power > 0; --power)
          result[i][power] = result[i][power - 1] - places<Outputs>[j] * result[i][power];
        result[i][0] *= -places<Outputs>[j];
      }
    }
    return result;
  }();
};

}  // namespace captcha::winograd
