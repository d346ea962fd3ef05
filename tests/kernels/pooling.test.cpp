// Pooling kernels against the reference, over a grid of odd shapes.
#include <captcha/kernels/pooling.hpp>
#include <captcha/kernels/reference.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

using namespace captcha;
using reference::Array;
using reference::Window2;

namespace {

template <class T>
void compare(const Array& x, const Window2& window, double tolerance, Workers& workers) {
  const T unwritten = std::numeric_limits<T>::quiet_NaN();
  const Array shape = reference::pooled(x, window);
  const Array dy = random_array(shape.n, shape.c, shape.h, shape.w, 2);
  const PoolGeometry g{
      static_cast<std::size_t>(x.c * x.n),
      Axis{x.h, shape.h, window.rows.kernel, window.rows.stride, window.rows.padding},
      Axis{x.w, shape.w, window.columns.kernel, window.columns.stride, window.columns.padding}};
  const auto our_x = to_layer_order<T>(x);
  const auto our_dy = to_layer_order<T>(dy);
  std::vector<T> y(shape.values.size(), unwritten), dx(x.values.size(), unwritten);
  const auto expect = [&](const char* what, double off) {
    if (!(off <= tolerance))
      FAIL_CHECK(what << " is off by " << off << ": " << x.n << " x " << x.c << " x " << x.h << " x " << x.w
                      << ", kernel " << window.rows.kernel << " " << window.columns.kernel << ", stride "
                      << window.rows.stride << ", padding " << window.rows.padding);
  };

  max_pool_forward(g, our_x.data(), y.data(), workers);
  expect("max y", difference(y, reference::max_pool_forward(x, window)));
  max_pool_backward(g, our_x.data(), y.data(), our_dy.data(), dx.data(), workers);
  expect("max dx", difference(dx, reference::max_pool_backward(x, dy, window)));

  for (const bool count_padding : {true, false}) {
    std::ranges::fill(y, unwritten);
    std::ranges::fill(dx, unwritten);
    average_pool_forward(g, count_padding, our_x.data(), y.data(), workers);
    expect("average y", difference(y, reference::average_pool_forward(x, window, count_padding)));
    average_pool_backward(g, count_padding, our_dy.data(), dx.data(), workers);
    expect("average dx", difference(dx, reference::average_pool_backward(x, dy, window, count_padding)));
  }
}

template <class T>
void compare_global(const Array& x, double tolerance, Workers& workers) {
  const Array dy = random_array(x.n, x.c, 1, 1, 2);
  const PoolGeometry g = whole_image(static_cast<std::size_t>(x.c * x.n), x.h, x.w);
  const auto our_x = to_layer_order<T>(x);
  const auto our_dy = to_layer_order<T>(dy);
  std::vector<T> y(dy.values.size(), T{-1}), dx(x.values.size(), T{-1});
  average_pool_forward(g, true, our_x.data(), y.data(), workers);
  CHECK(difference(y, reference::average_pool_forward(x, reference::whole(x), true)) <= tolerance);
  average_pool_backward(g, true, our_dy.data(), dx.data(), workers);
  CHECK(difference(dx, reference::average_pool_backward(x, dy, reference::whole(x), true)) <= tolerance);
}

}  // namespace

TEST_CASE("pooling equals the reference over a grid of odd geometries") {
  Workers workers(2);
  int compared = 0;
  for (const int samples : {1, 3})
    for (const int channels : {1, 5})
      for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {5, 2}, {7, 11}})
        for (const auto& [rows, columns] : {std::pair{1, 1}, {2, 2}, {3, 3}, {1, 4}, {5, 2}})
          for (const int stride : {1, 2, 3, 7})
            for (const int padding : {0, 1, 2}) {
              const Window2 window{{rows, stride, std::min(padding, rows / 2)},
                                   {columns, stride, std::min(padding, columns / 2)}};
              if (window.rows.positions(height) == 0 || window.columns.positions(width) == 0) continue;
              const Array x = random_array(samples, channels, height, width, 1);
              compare<float>(x, window, 1e-6, workers);
              compare<double>(x, window, 1e-14, workers);
              ++compared;
            }
  CHECK(compared > 500);
}

TEST_CASE("the first of equal values gets the gradient of a maximum") {
  Workers workers;
  Array x = random_array(2, 3, 6, 5, 1);
  for (double& value : x.values) value = value > 0 ? 1 : 0;  // ties everywhere
  compare<float>(x, {{3, 2, 1}, {3, 2, 1}}, 1e-6, workers);
}

TEST_CASE("not-a-number passes through a maximum, wherever in the window it lies") {
  Workers workers;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const PoolGeometry g = whole_image(1, 1, 3);
  for (std::size_t place = 0; place < 3; ++place) {
    std::vector<float> x{1, 3, 2};
    x[place] = nan;
    float y = 0;
    max_pool_forward(g, x.data(), &y, workers);
    CHECK(std::isnan(y));
  }
}

TEST_CASE("global average pooling equals the reference") {
  Workers workers(2);
  for (const int samples : {1, 3, 17})
    for (const int channels : {1, 7})
      for (const auto& [height, width] : {std::pair{1, 1}, {1, 5}, {3, 1}, {7, 4}}) {
        const Array x = random_array(samples, channels, height, width, 1);
        compare_global<float>(x, 1e-6, workers);
        compare_global<double>(x, 1e-14, workers);
      }
}
