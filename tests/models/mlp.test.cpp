// Mlp: layers, names, gradients.
#include <captcha/models/mlp.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <string>
#include <vector>

using namespace captcha;

TEST_CASE("a multilayer perceptron has right gradients and keeps the contract") {
  expect_right<Mlp<3, 8, 7, 2>, flat(3)>();
  expect_right<Mlp<3, 2>, flat(3)>();
}

TEST_CASE("a multilayer perceptron is named as nn.Sequential would name it") {
  std::vector<std::string> names;
  for (const PlacedSlot& placed : slots_of<Mlp<3, 8, 7, 2>>()) names.push_back(placed.name);
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"});
  STATIC_REQUIRE(parameter_count<Mlp<3, 8, 7, 2>> == 3 * 8 + 8 + 8 * 7 + 7 + 7 * 2 + 2);
  STATIC_REQUIRE(Mlp<3, 8, 7, 2>::out(flat(3)) == flat(2));
}
