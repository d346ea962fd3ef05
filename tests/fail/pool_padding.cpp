// Padding of more than half a window: some windows would see nothing else.
// expect: captcha: a pooling's padding must be at most half of its kernel
// expect: WindowedPool<
#include <captcha/core/layer.hpp>
#include <captcha/layers/pool.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = MaxPool2d<Pool{.kernel = 3, .padding = 1}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = MaxPool2d<Pool{.kernel = 3, .padding = 2}>::out(chw(6, 9, 9));
#endif
