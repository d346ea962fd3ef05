// Sequential, Repeat and Named: names as PyTorch gives them, and results of a chain.
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/relu.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <string>
#include <vector>

using namespace captcha;

namespace {

template <class L>
std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const PlacedSlot& placed : slots_of<L>()) all.push_back(placed.name);
  return all;
}

using Names = std::vector<std::string>;
using Same = Conv2d<2, 2, Conv{.padding = 1, .bias = false}>;

}  // namespace

TEST_CASE("parameters are named by numbers and names, innermost last") {
  CHECK(names<Sequential<Linear<2, 3>, ReLU, Linear<3, 1>>>() ==
        Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  CHECK(names<Named<"head", Linear<2, 3>>>() == Names{"head.weight", "head.bias"});
  CHECK(names<Named<"a", Named<"b", Sequential<Same>>>>() == Names{"a.b.0.weight"});
  CHECK(names<Chain<Named<"x", Chain<Same, Named<"y", Same>>>, Residual<Named<"z", Same>>>>() ==
        Names{"x.weight", "x.y.weight", "z.weight"});
  CHECK(names<Repeat<3, Same>>() == Names{"0.weight", "1.weight", "2.weight"});
  CHECK(names<Sequential<Same, BatchNorm2d<2>, ReLU, Same>>() ==
        Names{"0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight"});
  CHECK(names<Repeat<12, Same>>().back() == "11.weight");
}

TEST_CASE("Repeat gives each layer its own parameters, and may begin with another") {
  STATIC_REQUIRE(parameter_count<Repeat<3, Same>> == 3 * 36);
  using Stage = Repeat<2, Same, Conv2d<5, 2, Conv{.kernel = 1, .bias = false}>>;
  STATIC_REQUIRE(parameter_count<Stage> == 10 + 36);
  STATIC_REQUIRE(Stage::out(chw(5, 3, 3)) == chw(2, 3, 3));
  STATIC_REQUIRE(parameter_count<Repeat<1, Same>> == 36);
}

TEST_CASE("Sequential, Repeat and Named have right gradients and keep the contract") {
  expect_right<Sequential<Conv2d<2, 3>, ReLU, Conv2d<3, 2>>, chw(2, 6, 5)>();
  expect_right<Repeat<3, Chain<Same, BatchNorm2d<2>, ReLU>>, chw(2, 4, 3)>();
  expect_right<Named<"block", Residual<Named<"conv", Same>>>, chw(2, 4, 3)>();
}
