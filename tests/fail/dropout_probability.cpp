// A probability of 1: nothing would be left to scale.
// expect: captcha: Dropout's probability must be at least 0 and below 1
// expect: Dropout<
#include <captcha/core/layer.hpp>
#include <captcha/layers/dropout.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Dropout<Drop{.probability = 0.9f}>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Dropout<Drop{.probability = 1}>::out(chw(6, 9, 9));
#endif
