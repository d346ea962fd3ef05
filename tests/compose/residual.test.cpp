// Residual: gradients and contract for every kind of body and shortcut, and the sum itself.
#include <captcha/compose/chain.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/inference.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <vector>

using namespace captcha;

namespace {

using Same = Conv2d<2, 2, Conv{.padding = 1}>;
using Average = AvgPool2d<Pool{.kernel = 3, .stride = 1, .padding = 1}>;
using Wider = Chain<Conv2d<2, 5, Conv{.kernel = 3, .stride = 2, .padding = 1}>, BatchNorm2d<5>>;
using Projection = Sequential<Conv2d<2, 5, Conv{.kernel = 1, .stride = 2, .bias = false}>, BatchNorm2d<5>>;

}  // namespace

TEST_CASE("residuals have right gradients and keep the contract") {
  expect_right<Residual<Same>, chw(2, 5, 4)>();
  expect_right<Residual<Average>, chw(2, 5, 4)>();  // reads nothing
  expect_right<Residual<Chain<Same, BatchNorm2d<2>, ReLU, Same, BatchNorm2d<2>>>, chw(2, 5, 4)>();
  expect_right<Residual<Wider, Projection>, chw(2, 5, 4)>();
  expect_right<Residual<Identity, Identity>, chw(2, 5, 4)>();
  expect_right<Residual<Identity, Same>, chw(2, 5, 4)>();
}

TEST_CASE("a branch that ends in ReLU finds its own output, not the sum") {
  // Backward of these reads the branch's output, which the sum overwrites.
  expect_right<Residual<Chain<Same, ReLU>>, chw(2, 5, 4)>();
  expect_right<Residual<ReLU>, chw(2, 5, 4)>();
  expect_right<Residual<Same, ReLU>, chw(2, 5, 4)>();
  expect_right<Residual<Chain<Same, BatchNorm2d<2>, ReLU>, Chain<Same, ReLU>>, chw(2, 5, 4)>();
  expect_right<Residual<MaxPool2d<Pool{.kernel = 3, .stride = 1, .padding = 1}>, ReLU>, chw(2, 5, 4)>();
}

TEST_CASE("residuals may be nested and random") {
  expect_right<Residual<Chain<Residual<Chain<Same, ReLU>, Same>, ReLU, Residual<Same>>>, chw(2, 5, 4)>();
  expect_right<Residual<Residual<ReLU, Same>, Residual<Same>>, chw(2, 5, 4)>();
  expect_right<Residual<Dropout<>, Chain<Same, Dropout<>>>, chw(2, 5, 4)>();
}

TEST_CASE("a residual is the sum of body and shortcut") {
  using Body = Chain<Same, ReLU>;
  using L = Residual<Body, Average>;
  constexpr Shape shape = chw(2, 5, 4);
  const auto x = random_values<double>(shape.size(), 1);
  const auto weights = varied_weights<L>();
  Weights<Body, double> of_body;
  std::ranges::copy(weights.parameters(), of_body.parameters().begin());
  Workers workers;
  Inference<L, shape, double> both(1);
  Inference<Body, shape, double> body(1);
  Inference<Average, shape, double> average(1);
  const auto sum = both(pack<shape>(weights), x.data(), 1, workers);
  const auto one = body(pack<shape>(of_body), x.data(), 1, workers);
  const auto other = average(pack<shape>(Weights<Average, double>()), x.data(), 1, workers);
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(sum[i] == one[i] + other[i]);
}

TEST_CASE("a residual's shapes and counts") {
  using L = Residual<Wider, Projection>;
  constexpr Shape shape = chw(2, 5, 4);
  STATIC_REQUIRE(L::out(shape) == chw(5, 3, 2));
  STATIC_REQUIRE(L::wants(shape) == shape);
  STATIC_REQUIRE(L::wants(chw(3, 5, 4)) == shape);
  STATIC_REQUIRE(parameter_count<L> == 2 * 5 * 9 + 5 + 10 + 2 * 5 + 10);
  STATIC_REQUIRE(L::multiply_adds(shape) == 6 * 5 * 2 * (9 + 1));
  STATIC_REQUIRE(Residual<Same>::saved(shape) == Footprint{});
}
