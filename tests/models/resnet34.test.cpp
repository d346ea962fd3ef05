// A narrow ResNet-34 with the stem for small images: gradients of every array in double.
#include <captcha/models/resnet.hpp>
#include <captcha/testing/gradcheck.hpp>

#include "catch.hpp"

using namespace captcha;

TEST_CASE("ResNet-34 has right gradients") {
  const auto report = check_gradients<ResNet34<4, 3, Stem::small, 2>, chw(3, 17, 16)>({.entries = 2});
  INFO(report.message);
  CHECK(report.ok());
}
