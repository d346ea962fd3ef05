// A momentum above 1.
// expect: captcha: BatchNorm2d's eps must be positive and its momentum between 0 and 1
// expect: BatchNorm2d<6
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = BatchNorm2d<6, Norm{.momentum = 1}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = BatchNorm2d<6, Norm{.momentum = 2}>::out(chw(6, 9, 9));
#endif
