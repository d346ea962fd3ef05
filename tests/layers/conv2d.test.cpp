// Conv2d: gradients and contract with every option, and values against the reference.
#include <captcha/kernels/reference.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <algorithm>
#include <span>
#include <vector>

using namespace captcha;

TEST_CASE("Conv2d's gradients are right and it keeps the contract, with every option") {
  expect_right<Conv2d<3, 4>, chw(3, 5, 4)>();
  expect_right<Conv2d<2, 3, Conv{.kernel = 1, .bias = false}>, chw(2, 1, 1)>();
  expect_right<Conv2d<1, 2, Conv{.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}}>, chw(1, 7, 8)>();
  expect_right<Conv2d<2, 2, Conv{.kernel = 3, .padding = 2, .dilation = {2, 1}}>, chw(2, 4, 5)>();
  expect_right<Conv2d<4, 6, Conv{.kernel = 3, .stride = 2, .padding = 1, .groups = 2}>, chw(4, 5, 5)>();
  expect_right<Conv2d<3, 3, Conv{.kernel = 3, .padding = 1, .groups = 3, .bias = false}>, chw(3, 4, 3)>();
  expect_right<Conv2d<1, 3, Conv{.kernel = 7, .padding = 3}>, chw(1, 2, 3)>();  // larger than the image
  expect_right<Conv2d<2, 1, Conv{.kernel = 2, .stride = 5}>, chw(2, 8, 7)>();   // windows with gaps
}

TEST_CASE("Conv2d's gradients are right for samples that fill registers and channels that fill blocks") {
  expect_right<Conv2d<3, 5, Conv{.stride = 2, .padding = 1}>, chw(3, 5, 4)>({.samples = 19});
  expect_right<Conv2d<4, 6, Conv{.kernel = {3, 2}, .padding = {2, 0}, .dilation = {1, 2}, .groups = 2}>,
               chw(4, 3, 5)>({.samples = 17});
  // From 16 channels on the gradient by the weights is summed tap by tap; 35 outputs are a block and a rest.
  expect_right<Conv2d<17, 35, Conv{.stride = {1, 2}, .padding = {1, 0}}>, chw(17, 2, 5)>({.entries = 16});
}

TEST_CASE("Conv2d's short way has right gradients") {
  using L = Conv2d<32, 32, Conv{.padding = 1}>;
  constexpr Shape shape = chw(32, 4, 6);
  STATIC_REQUIRE(winograd::pays<double>({16, 32, 32, 1, {4, 4, 3, 1, 1, 1}, {6, 6, 3, 1, 1, 1}}));
  const auto report = check_gradients<L, shape>({.samples = 16, .entries = 8});
  INFO(report.message);
  CHECK(report.ok());
}

TEST_CASE("Conv2d computes the reference's convolution with weights in PyTorch's order") {
  using L =
      Conv2d<4, 6,
             Conv{.kernel = {3, 2}, .stride = {1, 2}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2}>;
  constexpr Shape shape = chw(4, 5, 7);
  const auto weights = varied_weights<L>();
  const auto x = random_array(3, 4, 5, 7, 1);
  const reference::Array w{6, 2, 3, 2, weights.get(weights.slot("weight"))};
  const auto y =
      reference::conv_forward(x, w, weights.get(weights.slot("bias")), {{3, 1, 2, 2}, {2, 2, 1, 1}});
  REQUIRE(L::out(shape) == shape_of(y));

  Inference<L, shape, double> infer(3);
  Workers workers;
  const auto got = infer(pack<shape>(weights), to_layer_order<double>(x).data(), 3, workers);
  CHECK(difference(std::vector<double>(got.begin(), got.end()), y) < 1e-14);
}

TEST_CASE("Conv2d's shapes, parameters and multiply-adds") {
  using L = Conv2d<6, 8, Conv{.kernel = {3, 5}, .stride = 2, .padding = 1, .groups = 2}>;
  STATIC_REQUIRE(L::out(chw(6, 10, 11)) == chw(8, 5, 5));
  STATIC_REQUIRE(parameter_count<L> == 8 * 3 * 15 + 8);
  STATIC_REQUIRE(L::multiply_adds(chw(6, 10, 11)) == 8 * 25 * 3 * 15);
  STATIC_REQUIRE(L::wants(chw(6, 1, 1)) == chw(6, 1, 3));
  STATIC_REQUIRE(parameter_count<Conv2d<6, 8, Conv{.bias = false}>> == 6 * 8 * 9);
}

TEST_CASE("Conv2d may be frozen in part") {
  using L = Conv2d<2, 3>;
  const auto report = check_gradients<L, chw(2, 4, 4)>({.frozen = true});
  INFO(report.message);
  CHECK(report.ok());
}
