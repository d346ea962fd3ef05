// In a chain the message names the layer inside that is at fault, not the chain.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<90, 5>; Shape Gets = Shape{96, 1, 1, true}; Shape Wants = Shape{90, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<90, 5, true>, {96, 1, 1, true}, {90, 1, 1, true}>
#include <captcha/compose/chain.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/relu.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Chain<Conv2d<1, 4>, ReLU, Flatten, Linear<96, 5>>;
#else
using Net = Chain<Conv2d<1, 4>, ReLU, Flatten, Linear<90, 5>>;
#endif
static_assert(check_shapes<Net, chw(1, 8, 6)>());
