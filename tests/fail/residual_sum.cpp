// The two sides of a sum give different shapes: a stride without a projection.
// expect: captcha: the two sides of a Residual give different shapes
// expect-g++: with Body = Conv2d<4, 8,
// expect-g++: BodyGives = Shape{8, 3, 3, false}; Shortcut = Identity; Shape ShortcutGives = Shape{4, 6, 6,
// false} expect-clang++: check_sum<captcha::Conv2d<4, 8, expect-clang++: , {8, 3, 3, false},
// captcha::Identity, {4, 6, 6, false}>
#include <captcha/compose/residual.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

using Body = Conv2d<4, 8, Conv{.stride = 2, .padding = 1}>;
#ifdef FIXED
using Net = Residual<Body, Conv2d<4, 8, Conv{.kernel = 1, .stride = 2}>>;
#else
using Net = Residual<Body>;
#endif
static_assert(check_shapes<Net, chw(4, 6, 6)>());
