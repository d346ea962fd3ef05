// A repeated layer must take what it gives.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<3, 4>; Shape Gets = Shape{4, 1, 1, true}; Shape Wants = Shape{3, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<3, 4, true>, {4, 1, 1, true}, {3, 1, 1, true}>
#include <captcha/compose/sequential.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/linear.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Repeat<2, Linear<3, 3>>;
#else
using Net = Repeat<2, Linear<3, 4>>;
#endif
static_assert(check_shapes<Net, flat(3)>());
