// A convolution of three channels gets an image of one.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Conv2d<3, 8>; Shape Gets = Shape{1, 9, 9, false}; Shape Wants = Shape{3, 9, 9, false}
// expect-clang++: check_shape<captcha::Conv2d<3, 8,
// expect-clang++: , {1, 9, 9, false}, {3, 9, 9, false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

using Net = Conv2d<3, 8>;
#ifdef FIXED
static_assert(check_shapes<Net, chw(3, 9, 9)>());
#else
static_assert(check_shapes<Net, chw(1, 9, 9)>());
#endif
