// A stride of 0.
// expect: captcha: a pooling's kernel and stride must be positive
// expect: WindowedPool<
#include <captcha/core/layer.hpp>
#include <captcha/layers/pool.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = AvgPool2d<Pool{.stride = 1}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = AvgPool2d<Pool{.stride = 0}>::out(chw(6, 9, 9));
#endif
