// A layer repeated no times.
// expect: captcha: Repeat needs at least one layer
#include <captcha/compose/sequential.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/relu.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Repeat<1, ReLU>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Repeat<0, ReLU>::out(chw(6, 9, 9));
#endif
