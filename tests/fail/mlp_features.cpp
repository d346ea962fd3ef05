// A perceptron of three inputs gets five.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<3, 4, true>; Shape Gets = Shape{5, 1, 1, true}
// expect-g++: Shape Wants = Shape{3, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<3, 4, true>, {5, 1, 1, true}, {3, 1, 1, true}>
#include <captcha/core/layer.hpp>
#include <captcha/models/mlp.hpp>

using namespace captcha;

using Net = Mlp<3, 4, 2>;
#ifdef FIXED
static_assert(check_shapes<Net, flat(3)>());
#else
static_assert(check_shapes<Net, flat(5)>());
#endif
