// Global average pooling gets a vector: there is nothing left to average.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = GlobalAvgPool2d; Shape Gets = Shape{4, 1, 1, true}; Shape Wants = Shape{4, 1, 1,
// false} expect-clang++: check_shape<captcha::GlobalAvgPool2d, {4, 1, 1, true}, {4, 1, 1, false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/pool.hpp>

using namespace captcha;

using Net = GlobalAvgPool2d;
#ifdef FIXED
static_assert(check_shapes<Net, chw(4, 1, 1)>());
#else
static_assert(check_shapes<Net, flat(4)>());
#endif
