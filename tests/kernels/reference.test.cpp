// The specification itself against results worked out by hand: it is what everything else is measured by.
#include <captcha/kernels/reference.hpp>

#include "catch.hpp"

#include <limits>
#include <vector>

using namespace captcha::reference;

namespace {

Array image(int h, int w, std::vector<double> values) {
  return Array{1, 1, h, w, std::move(values)};
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("reference convolution") {
  const Array x = image(3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Array w = image(2, 2, {1, 10, 100, 1000});
  CHECK(conv_forward(x, w, {}, {{2}, {2}}).values == Values{5421, 6532, 8754, 9865});
  CHECK(conv_forward(x, w, {0.5}, {{2}, {2}}).values == Values{5421.5, 6532.5, 8754.5, 9865.5});
  // Padding 1, stride 2: corners of the padded image.
  CHECK(conv_forward(x, w, {}, {{2, 2, 1}, {2, 2, 1}}).values == Values{1000, 3200, 7040, 9865});
  // Dilation 2: the four corners.
  CHECK(conv_forward(x, w, {}, {{2, 1, 0, 2}, {2, 1, 0, 2}}).values == Values{1 + 30 + 700 + 9000});
  const Array dy = image(2, 2, {1, 2, 3, 4});
  CHECK(conv_backward_weight(x, w, dy, {{2}, {2}}).values == Values{37, 47, 67, 77});
  CHECK(conv_backward_input(x, w, dy, {{2}, {2}}).values ==
        Values{1, 12, 20, 103, 1234, 2040, 300, 3400, 4000});
  CHECK(bias_backward(dy) == Values{10});
  // Two groups: each output sees its own input channel only.
  const Array two{1, 2, 1, 1, {3, 5}};
  CHECK(conv_forward(two, Array{2, 1, 1, 1, {10, 100}}, {}, {}).values == Values{30, 500});
}

TEST_CASE("reference pooling") {
  const Array x = image(3, 3, {1, 9, 3, 4, 5, 6, 9, 8, 9});
  CHECK(max_pool_forward(x, {{2}, {2}}).values == Values{9, 9, 9, 9});
  CHECK(max_pool_backward(x, image(2, 2, {1, 2, 3, 4}), {{2}, {2}}).values ==
        Values{0, 3, 0, 0, 0, 0, 3, 0, 4});
  CHECK(average_pool_forward(x, {{2}, {2}}, true).values == Values{4.75, 5.75, 6.5, 7});
  const Window2 padded{{2, 2, 1}, {2, 2, 1}};
  CHECK(average_pool_forward(x, padded, true).values == Values{0.25, 3, 3.25, 7});
  CHECK(average_pool_forward(x, padded, false).values == Values{1, 6, 6.5, 7});
  CHECK(average_pool_backward(x, image(2, 2, {1, 2, 3, 4}), padded, false).values ==
        Values{1, 1, 1, 1.5, 1, 1, 1.5, 1, 1});
  CHECK(average_pool_forward(x, whole(x), true).values == Values{6});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(max_pool_forward(image(1, 3, {1, nan, 2}), {{1}, {3}}).values[0]));
}

TEST_CASE("reference batch normalisation") {
  const Array x{2, 1, 1, 2, {1, 3, 5, 7}};
  const Statistics of_x = statistics(x);
  CHECK(of_x.mean == Values{4});
  CHECK(of_x.variance == Values{5});
  CHECK(statistics(x, 1).variance[0] == Approx(20.0 / 3));
  CHECK(normalise(x, {{3}, {3}}, 1, {2}, {10}).values == Values{8, 10, 12, 14});
  const Array dy{2, 1, 1, 2, {1, 0, 0, 0}};
  const auto stored = normalise_backward(x, dy, {{3}, {3}}, false, 1, {2});
  CHECK(stored.x.values == Values{1, 0, 0, 0});
  CHECK(stored.weight == Values{-1});
  CHECK(stored.bias == Values{1});
  // dx = w / s * (g - mean(g) - x_hat * mean(g x_hat)) with s = 3, x_hat = {-1, -1/3, 1/3, 1} and var + eps
  // = 9.
  const auto batch = normalise_backward(x, dy, of_x, true, 4, {3});
  CHECK(batch.x.values[0] == Approx(1 - 0.25 - 0.25));
  CHECK(batch.x.values[1] == Approx(-0.25 - 0.25 / 3));
  CHECK(batch.x.values[3] == Approx(0).margin(1e-12));
}

TEST_CASE("reference rectification") {
  CHECK(relu_forward(image(1, 3, {-2, 0, 3})).values == Values{0, 0, 3});
  CHECK(relu_backward(image(1, 3, {-2, 0, 3}), image(1, 3, {5, 6, 7})).values == Values{0, 0, 7});
}
