// A pooling gets an image smaller than its window.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = AvgPool2d<Pool
// expect-g++: Shape Gets = Shape{1, 2, 3, false}; Shape Wants = Shape{1, 2, 4, false}
// expect-clang++: check_shape<captcha::AvgPool2d<{{2, 4}, {2, 2}, {0, 0}, true}>, {1, 2, 3, false}, {1, 2, 4,
// false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/pool.hpp>

using namespace captcha;

using Net = AvgPool2d<Pool{.kernel = {2, 4}}>;
#ifdef FIXED
static_assert(check_shapes<Net, chw(1, 2, 4)>());
#else
static_assert(check_shapes<Net, chw(1, 2, 3)>());
#endif
