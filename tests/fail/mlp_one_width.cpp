// A perceptron without output.
// expect: captcha: an Mlp needs at least an input and an output width
#include <captcha/core/layer.hpp>
#include <captcha/models/mlp.hpp>

using namespace captcha;

#ifdef FIXED
constexpr Shape shape = Mlp<6, 2>::out(chw(6, 9, 9));
#else
constexpr Shape shape = Mlp<6>::out(chw(6, 9, 9));
#endif
