// A linear layer without outputs.
// expect: captcha: Linear needs at least one feature on either side
// expect: Linear<6, 0
#include <captcha/core/layer.hpp>
#include <captcha/layers/linear.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Linear<6, 1>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Linear<6, 0>::out(chw(6, 9, 9));
#endif
