// A chain of nothing.
// expect: captcha: a Chain needs at least one layer; Identity does nothing
#include <captcha/compose/chain.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/relu.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Chain<ReLU>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Chain<>::out(chw(6, 9, 9));
#endif
