// Where a network meets a shape, it is checked: the totals that are known to the compiler.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<10, 2>; Shape Gets = Shape{12, 1, 1, true}; Shape Wants = Shape{10, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<10, 2, true>, {12, 1, 1, true}, {10, 1, 1, true}>
#include <captcha/layers/linear.hpp>
#include <captcha/model/summary.hpp>

using namespace captcha;

using Net = Linear<10, 2>;
#ifdef FIXED
static_assert(multiply_adds<Net, flat(10)> == 20);
#else
static_assert(multiply_adds<Net, flat(12)> == 20);
#endif
