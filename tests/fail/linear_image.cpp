// A linear layer gets an image: Flatten is missing.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<12, 2>; Shape Gets = Shape{3, 2, 2, false}; Shape Wants = Shape{12, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<12, 2, true>, {3, 2, 2, false}, {12, 1, 1, true}>
#include <captcha/compose/chain.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/linear.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Chain<Flatten, Linear<12, 2>>;
#else
using Net = Linear<12, 2>;
#endif
static_assert(check_shapes<Net, chw(3, 2, 2)>());
