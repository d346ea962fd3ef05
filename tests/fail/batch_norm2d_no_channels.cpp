// A batch norm of no channels.
// expect: captcha: BatchNorm2d needs at least one channel
// expect: BatchNorm2d<0
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = BatchNorm2d<6>::out(chw(6, 9, 9));
#else
constexpr Shape shape = BatchNorm2d<0>::out(chw(6, 9, 9));
#endif
