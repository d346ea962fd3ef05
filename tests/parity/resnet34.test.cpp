// A narrow ResNet-34 against PyTorch's.
#include <captcha/models/resnet.hpp>

#include "parity.hpp"

using namespace captcha;

TEST_CASE("a narrow ResNet-34 for 3 x 36 x 40 equals PyTorch's") {
  parity::check_network<ResNet34<5, 3, Stem::imagenet, 3>, chw(3, 36, 40)>("resnet34");
}
