// Value-by-value kernels, over counts below, at and above the size of a task.
#include <captcha/kernels/elementwise.hpp>
#include <captcha/kernels/reference.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

using namespace captcha;

TEST_CASE("stretches cover every value once, in order") {
  Workers workers(3);
  for (const std::size_t count : {0u, 1u, 32767u, 32768u, 32769u, 100000u}) {
    std::vector<int> seen(count);
    std::mutex guard;
    std::size_t longest = 0;
    for_each_stretch(count, workers, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++seen[i];
      const std::lock_guard lock(guard);
      longest = std::max(longest, end - begin);
    });
    CHECK(std::ranges::all_of(seen, [](int times) { return times == 1; }));
    CHECK(longest <= 32768);
  }
}

TEST_CASE("copy and add") {
  Workers workers(2);
  const auto a = random_values<float>(40000, 1), b = random_values<float>(40000, 2);
  std::vector<float> y(40000);
  copy(y.size(), a.data(), y.data(), workers);
  CHECK(y == a);
  add(y.size(), a.data(), b.data(), y.data(), workers);
  bool right = true;
  for (std::size_t i = 0; i < y.size(); ++i) right &= y[i] == a[i] + b[i];
  CHECK(right);
  std::vector<float> in_place = a;
  add(in_place.size(), in_place.data(), b.data(), in_place.data(), workers);
  CHECK(in_place == y);
}

TEST_CASE("rectification equals the reference and lets not-a-number through") {
  Workers workers;
  reference::Array x = random_array(3, 2, 5, 7, 1);
  x.values[4] = 0;
  const reference::Array dy = random_array(3, 2, 5, 7, 2);
  const auto ours = to_layer_order<double>(x);
  std::vector<double> y(ours.size()), dx(ours.size());
  relu_forward(y.size(), ours.data(), y.data(), workers);
  CHECK(difference(y, reference::relu_forward(x)) == 0);
  relu_backward(y.size(), y.data(), to_layer_order<double>(dy).data(), dx.data(), workers);
  CHECK(difference(dx, reference::relu_backward(x, dy)) == 0);
  CHECK(std::isnan(Rectify{}(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("swapping axes twice changes nothing") {
  Workers workers(2);
  const std::vector<int> in{0,   1,   10,  11,  20,  21,
                            100, 101, 110, 111, 120, 121};  // 2 rows, 3 channels, 2 values
  std::vector<int> out(12), back(12);
  swap_axes(2, 3, 2, in.data(), out.data(), workers);
  CHECK(out == std::vector<int>{0, 1, 100, 101, 10, 11, 110, 111, 20, 21, 120, 121});
  swap_axes(3, 2, 2, out.data(), back.data(), workers);
  CHECK(back == in);
}
