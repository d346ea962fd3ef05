// The tiles for registers of every width that this machine has, against plain loops, over sizes that leave
// rests of all kinds.
#include <captcha/kernels/tile.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

using namespace captcha;

namespace {

/// The largest error of a product over two legs, and whether anything beside c was written.
template <class T>
double error_of(void (*multiply_with)(const Multiply<T>&), int rows, int columns, int depth, Start start) {
  const auto at = [](int value) { return static_cast<std::size_t>(value); };
  const auto a = random_values<T>(at(2 * rows * depth), 1), b = random_values<T>(at(2 * columns * depth), 2);
  const auto before = random_values<T>(at(rows * (columns + 1)), 3), bias = random_values<T>(at(rows), 4);
  auto c = before;
  // The second leg lies behind the first one, a by rows and b by terms.
  const std::array<Leg, 2> legs{{{0, 0}, {rows * depth, columns * depth}}};
  const Product<T> product{.rows = rows,
                           .columns = columns,
                           .depth = depth,
                           .a = a.data(),
                           .a_row = depth,
                           .a_step = 1,
                           .b = b.data(),
                           .b_step = columns,
                           .c = c.data(),
                           .c_row = columns + 1,
                           .start = start,
                           .bias = bias.data(),
                           .legs = legs};
  multiply_with({product});
  double worst = 0;
  for (int m = 0; m < rows; ++m) {
    for (int n = 0; n < columns; ++n) {
      const std::size_t place = at(m * (columns + 1) + n);
      double sum = start == Start::zero   ? 0
                   : start == Start::bias ? static_cast<double>(bias[at(m)])
                                          : static_cast<double>(before[place]);
      for (const Leg& leg : legs)
        for (int k = 0; k < depth; ++k)
          sum += static_cast<double>(a[at(static_cast<int>(leg.a) + m * depth + k)]) *
                 static_cast<double>(b[at(static_cast<int>(leg.b) + k * columns + n)]);
      worst = std::max(worst, std::abs(sum - static_cast<double>(c[place])));
    }
    const std::size_t beside = at(m * (columns + 1) + columns);
    if (c[beside] != before[beside]) return 1e9;
  }
  return worst;
}

template <class T>
void compare(void (*multiply_with)(const Multiply<T>&), double tolerance) {
  for (const int rows : {1, 2, 3, 7, 8, 16, 19, 31})
    for (const int columns : {1, 3, 4, 8, 15, 16, 31, 32, 61})
      for (const int depth : {1, 5, 16})
        for (const Start start : {Start::zero, Start::bias, Start::memory}) {
          const double error = error_of<T>(multiply_with, rows, columns, depth, start);
          if (!(error <= tolerance))
            FAIL_CHECK(rows << " x " << columns << ", depth " << depth << ": off by " << error);
        }
}

/// Products with b kept as BFloat16, and with the same values as float: to the bit.
void compare_narrow(void (*narrow_with)(const Multiply<float, BFloat16>&),
                    void (*wide_with)(const Multiply<float>&)) {
  const auto at = [](int value) { return static_cast<std::size_t>(value); };
  constexpr int most = 300, depth = 21;
  std::vector<BFloat16> narrow;
  for (const float value : random_values<float>(at(most * depth), 1)) narrow.emplace_back(value);
  std::vector<float> wide;
  for (const BFloat16 value : narrow) wide.push_back(static_cast<float>(value));
  for (const int rows : {1, 2, 3, 8, 19})
    for (const int columns : {1, 3, 4, 12, 16, 31, 32, 64, 100, 256, 300})
      for (const int block : {0, 32, 64})  // columns that lie side by side, 0 for all
        for (const Start start : {Start::zero, Start::bias, Start::memory}) {
          if (block != 0 && columns % block != 0) continue;
          const auto a = random_values<float>(at(rows * depth), 2), bias = random_values<float>(at(rows), 3),
                     added = random_values<float>(at(rows * columns), 4);
          const auto product = [&]<class B>(const std::vector<B>& b, auto multiply_with) {
            auto c = random_values<float>(at(rows * columns), 5);
            const std::array<Leg, 1> legs{{{0, 0}}};
            multiply_with(Multiply<float, B>{{.rows = rows,
                                              .columns = columns,
                                              .depth = depth,
                                              .a = a.data(),
                                              .a_row = depth,
                                              .a_step = 1,
                                              .b = b.data(),
                                              .b_step = block != 0 ? block : columns,
                                              .b_block = std::ptrdiff_t{block} * depth,
                                              .c = c.data(),
                                              .c_row = columns,
                                              .start = start,
                                              .bias = bias.data(),
                                              .add = added.data(),
                                              .then = block != 0 ? nullptr : b.data(),
                                              .rectify = true,
                                              .legs = legs}});
            return c;
          };
          if (product(narrow, narrow_with) != product(wide, wide_with))
            FAIL_CHECK(rows << " x " << columns << " in blocks of " << block);
        }
}

}  // namespace

TEST_CASE("products in tiles equal plain loops, with registers of every width") {
  compare<float>(on_plain_registers<Multiply<float>>, 1e-5);
  compare<double>(on_plain_registers<Multiply<double>>, 1e-14);
#if defined(__x86_64__)
  if (register_bytes() >= 32) {
    compare<float>(on_avx2_registers<Multiply<float>>, 1e-5);
    compare<double>(on_avx2_registers<Multiply<double>>, 1e-14);
  }
  if (register_bytes() == 64) {
    compare<float>(on_avx512_registers<Multiply<float>>, 1e-5);
    compare<double>(on_avx512_registers<Multiply<double>>, 1e-14);
  }
#endif
  WARN("registers of up to " << register_bytes() << " bytes tried");
}

TEST_CASE(
    "a product with BFloat16 equals that with the same values as float, with registers of every width") {
  compare_narrow(on_plain_registers<Multiply<float, BFloat16>>, on_plain_registers<Multiply<float>>);
#if defined(__x86_64__)
  if (register_bytes() >= 32)
    compare_narrow(on_avx2_registers<Multiply<float, BFloat16>>, on_avx2_registers<Multiply<float>>);
  if (register_bytes() == 64)
    compare_narrow(on_avx512_registers<Multiply<float, BFloat16>>, on_avx512_registers<Multiply<float>>);
#endif
}

TEST_CASE("b may lie in blocks, of which several are read side by side where rows are few") {
  constexpr int side = 32, blocks = 11, depth = 150;  // more steps than those that are fetched ahead
  const auto b = random_values<float>(std::size_t{side * blocks * depth}, 2);
  for (const int rows : {1, 2, 3, 4, 5, 8}) {
    const auto a = random_values<float>(static_cast<std::size_t>(rows * depth), 1);
    std::vector<float> c(static_cast<std::size_t>(rows * side * blocks), -1);
    const std::array<Leg, 1> legs{{{0, 0}}};
    multiply<float>({.rows = rows,
                     .columns = side * blocks,
                     .depth = depth,
                     .a = a.data(),
                     .a_row = depth,
                     .a_step = 1,
                     .b = b.data(),
                     .b_step = side,
                     .b_block = side * depth,
                     .c = c.data(),
                     .c_row = side * blocks,
                     .then = b.data(),
                     .legs = legs});
    for (int m = 0; m < rows; ++m)
      for (int n = 0; n < side * blocks; ++n) {
        double sum = 0;
        for (int k = 0; k < depth; ++k)
          sum += static_cast<double>(a[static_cast<std::size_t>(m * depth + k)]) *
                 static_cast<double>(b[static_cast<std::size_t>((n / side * depth + k) * side + n % side)]);
        REQUIRE(static_cast<double>(c[static_cast<std::size_t>(m * side * blocks + n)]) ==
                Approx(sum).margin(1e-4));
      }
  }
}

TEST_CASE("a sum of more legs than it holds is computed in parts") {
  constexpr int count = 300;
  const auto a = random_values<double>(count, 1), b = random_values<double>(count, 2);
  for (const double added : {0.0, 1000.0, -1000.0}) {  // added once, at the end, and only then rectified
    double c = 7, expected = 0;
    Sum<double> sum({.rows = 1,
                     .columns = 1,
                     .depth = 1,
                     .a = a.data(),
                     .a_row = 1,
                     .a_step = 1,
                     .b = b.data(),
                     .b_step = 1,
                     .c = &c,
                     .c_row = 1,
                     .add = added == 0 ? nullptr : &added,
                     .rectify = added != 0});
    for (int i = 0; i < count; ++i) {
      sum.add({i, i});
      expected += a[static_cast<std::size_t>(i)] * b[static_cast<std::size_t>(i)];
    }
    sum.finish();
    CHECK(c == Approx(added == 0 ? expected : std::max(expected + added, 0.0)));
  }
}
