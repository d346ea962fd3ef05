// Where a network meets a shape, it is checked: the totals that are known to the compiler.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = BatchNorm2d<16>; Shape Gets = Shape{8, 26, 26, false}; Shape Wants = Shape{16, 26, 26,
// false} expect-clang++: check_shape<captcha::BatchNorm2d<16, captcha::Norm{1.000000e-05, 1.000000e-01}>, {8,
// 26, 26, false}, {16, 26, 26, false}>
#include <captcha/layers.hpp>
#include <captcha/model/summary.hpp>

using namespace captcha;

#ifdef FIXED
using Net = Chain<Named<"conv1", Conv2d<1, 8>>, Named<"bn1", BatchNorm2d<8>>, ReLU>;
#else
using Net = Chain<Named<"conv1", Conv2d<1, 8>>, Named<"bn1", BatchNorm2d<16>>, ReLU>;
#endif
static_assert(multiply_adds<Net, chw(1, 28, 28)> > 0);
