// A narrow ResNet-18: gradients of every array in double, and the contract of a layer for the whole network.
#include <captcha/models/resnet.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

using namespace captcha;

TEST_CASE("ResNet-18 has right gradients and keeps the contract of a layer") {
  expect_right<ResNet18<5, 1, Stem::imagenet, 4>, chw(1, 52, 32)>({.entries = 4});
}

TEST_CASE("a frozen ResNet-18 has the right gradient by its input") {
  const auto report = check_gradients<ResNet18<5, 1, Stem::imagenet, 4>, chw(1, 52, 32)>({.frozen = true});
  INFO(report.message);
  CHECK(report.ok());
}
