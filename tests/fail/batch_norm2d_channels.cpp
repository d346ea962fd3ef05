// A batch norm of eight channels gets three.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = BatchNorm2d<8>; Shape Gets = Shape{3, 4, 4, false}; Shape Wants = Shape{8, 4, 4,
// false} expect-clang++: check_shape<captcha::BatchNorm2d<8, expect-clang++: , {3, 4, 4, false}, {8, 4, 4,
// false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>

using namespace captcha;

using Net = BatchNorm2d<8>;
#ifdef FIXED
static_assert(check_shapes<Net, chw(8, 4, 4)>());
#else
static_assert(check_shapes<Net, chw(3, 4, 4)>());
#endif
