// Of a named layer the message gives the layer.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<10, 2>; Shape Gets = Shape{12, 1, 1, true}; Shape Wants = Shape{10, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<10, 2, true>, {12, 1, 1, true}, {10, 1, 1, true}>
#include <captcha/compose/named.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/linear.hpp>

using namespace captcha;

using Net = Named<"head", Linear<10, 2>>;
#ifdef FIXED
static_assert(check_shapes<Net, flat(10)>());
#else
static_assert(check_shapes<Net, flat(12)>());
#endif
