// Matrix products against three loops, and sums against exact ones.
#include <captcha/kernels/gemm.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace captcha;

namespace {

template <class T>
void compare(int rows, int columns, int depth, Stored a_stored, Stored b_stored, T beta, double tolerance) {
  const auto at = [](int i, int j, int stride) { return static_cast<std::size_t>(i * stride + j); };
  const int a_stride = (a_stored == Stored::plain ? depth : rows) + 2;  // rows of a larger matrix
  const int b_stride = (b_stored == Stored::plain ? columns : depth) + 1;
  const int c_stride = columns + 3;
  const auto a = random_values<T>(at(std::max(rows, depth), 0, a_stride), 1);
  const auto b = random_values<T>(at(std::max(columns, depth), 0, b_stride), 2);
  // With beta 0 the result must not depend on what was there.
  std::vector<T> c(at(rows, 0, c_stride), beta == T{0} ? std::numeric_limits<T>::quiet_NaN() : T{2});
  std::vector<double> want;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      double sum = beta == T{0} ? 0 : static_cast<double>(beta) * 2;
      for (int k = 0; k < depth; ++k)
        sum +=
            static_cast<double>(a_stored == Stored::plain ? a[at(i, k, a_stride)] : a[at(k, i, a_stride)]) *
            static_cast<double>(b_stored == Stored::plain ? b[at(k, j, b_stride)] : b[at(j, k, b_stride)]);
      want.push_back(sum);
    }
  gemm(rows, columns, depth, Matrix<T>{a.data(), a_stride, a_stored}, Matrix<T>{b.data(), b_stride, b_stored},
       beta, c.data(), c_stride);
  std::vector<T> got;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) got.push_back(c[at(i, j, c_stride)]);
  INFO(rows << " x " << columns << " x " << depth);
  CHECK(difference<T>(got, want) <= tolerance);
}

}  // namespace

TEST_CASE("matrix products of odd sizes, plain and transposed, fresh and accumulated") {
  for (const auto& [rows, columns, depth] :
       {std::array{1, 1, 1}, {3, 5, 7}, {64, 48, 33}, {1, 17, 2}, {31, 1, 5}})
    for (const Stored a : {Stored::plain, Stored::transposed})
      for (const Stored b : {Stored::plain, Stored::transposed})
        for (const int beta : {0, 1}) {
          compare<float>(rows, columns, depth, a, b, static_cast<float>(beta), 1e-5);
          compare<double>(rows, columns, depth, a, b, beta, 1e-13);
        }
}

TEST_CASE("sums take every term once and stay accurate") {
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 4095u, 4096u, 4097u, 100003u}) {
    const double sum = sum_terms<double>(count, [](std::size_t i) { return static_cast<double>(i + 1); });
    CHECK(sum == static_cast<double>(count) * static_cast<double>(count + 1) / 2);
  }
  // A plain float sum of ten million tenths is off by more than 8 %.
  const double tenths = sum_terms<float>(10'000'000, [](std::size_t) { return 0.1f; });
  CHECK(tenths == Approx(1e7 * static_cast<double>(0.1f)).epsilon(1e-5));
}
