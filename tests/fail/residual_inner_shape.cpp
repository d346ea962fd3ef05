// In a Residual the message names the layer inside.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = BatchNorm2d<5>; Shape Gets = Shape{4, 6, 6, false}; Shape Wants = Shape{5, 6, 6,
// false} expect-clang++: check_shape<captcha::BatchNorm2d<5, expect-clang++: , {4, 6, 6, false}, {5, 6, 6,
// false}>
#include <captcha/compose/chain.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Residual<Chain<Conv2d<4, 4, Conv{.kernel = 1}>, BatchNorm2d<4>>>;
#else
using Net = Residual<Chain<Conv2d<4, 4, Conv{.kernel = 1}>, BatchNorm2d<5>>>;
#endif
static_assert(check_shapes<Net, chw(4, 6, 6)>());
