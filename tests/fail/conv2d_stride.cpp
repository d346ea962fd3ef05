// A stride of 0.
// expect: captcha: Conv2d's kernel, stride and dilation must be positive and its padding not negative
// expect: Conv2d<6, 8
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Conv2d<6, 8, Conv{.stride = 1}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Conv2d<6, 8, Conv{.stride = 0}>::out(chw(6, 9, 9));
#endif
