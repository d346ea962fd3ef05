// In a Sequential the message names the layer inside, without its number.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Conv2d<5, 2>; Shape Gets = Shape{4, 6, 4, false}; Shape Wants = Shape{5, 6, 4, false}
// expect-clang++: check_shape<captcha::Conv2d<5, 2,
// expect-clang++: , {4, 6, 4, false}, {5, 6, 4, false}>
#include <captcha/compose/sequential.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/relu.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Sequential<Conv2d<1, 4>, BatchNorm2d<4>, ReLU, Conv2d<4, 2>>;
#else
using Net = Sequential<Conv2d<1, 4>, BatchNorm2d<4>, ReLU, Conv2d<5, 2>>;
#endif
static_assert(check_shapes<Net, chw(1, 8, 6)>());
