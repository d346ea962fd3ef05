// A narrow ResNet-50: gradients of every array in double.
#include <captcha/models/resnet.hpp>
#include <captcha/testing/gradcheck.hpp>

#include "catch.hpp"

using namespace captcha;

TEST_CASE("ResNet-50 has right gradients") {
  // With seed 1 a kink of a ReLU lies too near for differences.
  const auto report =
      check_gradients<ResNet50<4, 2, Stem::imagenet, 2>, chw(2, 33, 40)>({.seed = 2, .entries = 1});
  INFO(report.message);
  CHECK(report.ok());
}
