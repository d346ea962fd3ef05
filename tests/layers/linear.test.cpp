// Linear: gradients and contract, and values against the reference.
#include <captcha/kernels/reference.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <vector>

using namespace captcha;

TEST_CASE("Linear's gradients are right and it keeps the contract") {
  expect_right<Linear<5, 7>, flat(5)>();
  expect_right<Linear<1, 1>, flat(1)>();
  expect_right<Linear<3, 4, false>, flat(3)>();
  expect_right<Linear<131, 257>, flat(131)>();  // several blocks
}

TEST_CASE("Linear computes the weighted sums of its formula") {
  using L = Linear<131, 257>;
  const auto weights = varied_weights<L>();
  const auto x = random_array(3, 131, 1, 1, 1);
  const reference::Array w{257, 131, 1, 1, weights.get(weights.slot("weight"))};
  const auto y = reference::conv_forward(x, w, weights.get(weights.slot("bias")), {});
  Inference<L, flat(131), double> infer(3);
  Workers workers;
  const auto got = infer(pack<flat(131)>(weights), to_layer_order<double>(x).data(), 3, workers);
  CHECK(difference(std::vector<double>(got.begin(), got.end()), y) < 1e-14);
  STATIC_REQUIRE(parameter_count<L> == 131 * 257 + 257);
  STATIC_REQUIRE(parameter_count<Linear<3, 4, false>> == 12);
  STATIC_REQUIRE(L::multiply_adds(flat(131)) == 131 * 257);
}
