// A ResNet for grey images gets one in colour: its first convolution says so.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Conv2d<1, 64, Conv
// expect-g++: Shape Gets = Shape{3, 52, 32, false}; Shape Wants = Shape{1, 52, 32, false}
// expect-clang++: check_shape<captcha::Conv2d<1, 64,
// expect-clang++: , {3, 52, 32, false}, {1, 52, 32, false}>
#include <captcha/core/layer.hpp>
#include <captcha/models/resnet.hpp>

using namespace captcha;

#ifdef FIXED
using Net = ResNet18<20, 3>;
#else
using Net = ResNet18<20, 1>;
#endif
static_assert(check_shapes<Net, chw(3, 52, 32)>());
