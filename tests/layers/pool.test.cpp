// The poolings: gradients and contract with every option, shapes, and the window arithmetic at the border.
#include <captcha/kernels/reference.hpp>
#include <captcha/layers/pool.hpp>
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

TEST_CASE("MaxPool2d's gradients are right and it keeps the contract, with every option") {
  expect_right<MaxPool2d<>, chw(3, 6, 5)>();
  expect_right<MaxPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1}>, chw(2, 5, 6)>();
  expect_right<MaxPool2d<Pool{.kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}}>, chw(1, 3, 7)>();
  expect_right<MaxPool2d<Pool{.kernel = 2, .stride = 3}>, chw(2, 8, 5)>();
  expect_right<MaxPool2d<Pool{.kernel = 3, .stride = 1, .padding = 1}>, chw(1, 1, 1)>();
}

TEST_CASE("AvgPool2d's gradients are right and it keeps the contract, with every option") {
  expect_right<AvgPool2d<>, chw(3, 6, 5)>();
  expect_right<AvgPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1}>, chw(2, 5, 6)>();
  expect_right<AvgPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1, .count_padding = false}>,
               chw(2, 5, 6)>();
  expect_right<AvgPool2d<Pool{.kernel = {2, 3}, .stride = {3, 1}, .padding = {1, 0}}>, chw(1, 4, 4)>();
}

TEST_CASE("GlobalAvgPool2d's gradient is right and it keeps the contract") {
  expect_right<GlobalAvgPool2d, chw(5, 3, 7)>();
  expect_right<GlobalAvgPool2d, chw(1, 1, 1)>();
}

TEST_CASE("poolings equal the reference") {
  const auto x = random_array(3, 2, 5, 6, 1);
  const auto ours = to_layer_order<double>(x);
  constexpr Shape shape = chw(2, 5, 6);
  const reference::Window2 window{{3, 2, 1}, {2, 1, 1}};
  CHECK(difference(predict<MaxPool2d<Pool{.kernel = {3, 2}, .stride = {2, 1}, .padding = 1}>, shape>(ours),
                   reference::max_pool_forward(x, window)) == 0);
  CHECK(difference(predict<AvgPool2d<Pool{.kernel = {3, 2}, .stride = {2, 1}, .padding = 1}>, shape>(ours),
                   reference::average_pool_forward(x, window, true)) < 1e-15);
  CHECK(difference(
            predict<AvgPool2d<Pool{.kernel = {3, 2}, .stride = {2, 1}, .padding = 1, .count_padding = false}>,
                    shape>(ours),
            reference::average_pool_forward(x, window, false)) < 1e-15);
  CHECK(difference(predict<GlobalAvgPool2d, shape>(ours),
                   reference::average_pool_forward(x, reference::whole(x), true)) < 1e-15);
}

TEST_CASE("the shapes of poolings") {
  using Stem = MaxPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1}>;
  STATIC_REQUIRE(Stem::out(chw(64, 26, 16)) == chw(64, 13, 8));
  STATIC_REQUIRE(Stem::out(chw(64, 1, 1)) == chw(64, 1, 1));
  STATIC_REQUIRE(AvgPool2d<>::out(chw(3, 5, 5)) == chw(3, 2, 2));
  STATIC_REQUIRE(AvgPool2d<Pool{.kernel = 5}>::wants(chw(3, 2, 7)) == chw(3, 5, 7));
  STATIC_REQUIRE(GlobalAvgPool2d::out(chw(512, 2, 1)) == flat(512));
  STATIC_REQUIRE(GlobalAvgPool2d::wants(flat(7)) == chw(7, 1, 1));
}
