// A convolution gets a vector.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Conv2d<4, 8, Conv
// expect-g++: Shape Gets = Shape{4, 1, 1, true}; Shape Wants = Shape{4, 1, 1, false}
// expect-clang++: check_shape<captcha::Conv2d<4, 8,
// expect-clang++: , {4, 1, 1, true}, {4, 1, 1, false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

using Net = Conv2d<4, 8, Conv{.padding = 1}>;
#ifdef FIXED
static_assert(check_shapes<Net, chw(4, 1, 1)>());
#else
static_assert(check_shapes<Net, flat(4)>());
#endif
