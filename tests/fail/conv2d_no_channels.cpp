// A convolution to no channels.
// expect: captcha: Conv2d needs at least one channel on either side
// expect: Conv2d<6, 0
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Conv2d<6, 1>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Conv2d<6, 0>::out(chw(6, 9, 9));
#endif
