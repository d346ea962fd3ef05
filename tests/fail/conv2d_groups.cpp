// Groups that do not divide the channels.
// expect: captcha: Conv2d's groups must divide both of its channel counts
// expect: Conv2d<6, 8
#include <captcha/core/layer.hpp>
#include <captcha/layers/conv2d.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Conv2d<6, 8, Conv{.groups = 2}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Conv2d<6, 8, Conv{.groups = 4}>::out(chw(6, 9, 9));
#endif
