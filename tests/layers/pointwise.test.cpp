// ReLU, Identity and Flatten: gradients, contract, values.
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <vector>

using namespace captcha;

namespace {

template <class L, Shape S>
std::vector<double> predict(const std::vector<double>& x) {
  const int samples = static_cast<int>(x.size() / S.size());
  Inference<L, S, double> infer(samples);
  Workers workers;
  const auto y = infer(pack<S>(Weights<L, double>()), x.data(), samples, workers);
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("ReLU, Identity and Flatten have right gradients and keep the contract, for images and vectors") {
  expect_right<ReLU, chw(3, 5, 4)>();
  expect_right<ReLU, flat(9)>();
  expect_right<Identity, chw(2, 1, 3)>();
  expect_right<Identity, flat(1)>();
  expect_right<Flatten, chw(3, 5, 4)>();
  expect_right<Flatten, flat(6)>();
}

TEST_CASE("ReLU cuts negative values, Identity none") {
  const std::vector<double> x{-1, 0, 2, -0.5};
  CHECK(predict<ReLU, flat(2)>(x) == std::vector<double>{0, 0, 2, 0});
  CHECK(predict<Identity, flat(2)>(x) == x);
}

TEST_CASE("Flatten orders an image channel by channel") {
  constexpr int samples = 2;
  constexpr Shape shape = chw(3, 4, 5);
  const auto x = random_array(samples, 3, 4, 5, 1);
  const auto y = predict<Flatten, shape>(to_layer_order<double>(x));
  STATIC_REQUIRE(Flatten::out(shape) == flat(60));
  // (N, C, H, W) and (N, C * H * W) are the same values in the same order.
  CHECK(from_layer_order<double>(std::span<const double>(y), flat(60), samples) == x.values);
}
