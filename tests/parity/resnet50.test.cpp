// A narrow ResNet-50 against PyTorch's.
#include <captcha/models/resnet.hpp>

#include "parity.hpp"

using namespace captcha;

TEST_CASE("a narrow ResNet-50 for 3 x 33 x 47 equals PyTorch's") {
  parity::check_network<ResNet50<5, 3, Stem::imagenet, 3>, chw(3, 33, 47)>("resnet50");
}
