// A pooling gets an image smaller than its window.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = MaxPool2d<Pool
// expect-g++: Shape Gets = Shape{1, 2, 5, false}; Shape Wants = Shape{1, 3, 5, false}
// expect-clang++: check_shape<captcha::MaxPool2d<{{3, 3}, {2, 2}, {0, 0}, true}>, {1, 2, 5, false}, {1, 3, 5,
// false}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/pool.hpp>

using namespace captcha;

using Net = MaxPool2d<Pool{.kernel = 3}>;
#ifdef FIXED
static_assert(check_shapes<Net, chw(1, 3, 5)>());
#else
static_assert(check_shapes<Net, chw(1, 2, 5)>());
#endif
