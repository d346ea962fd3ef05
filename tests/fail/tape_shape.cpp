// Where a network meets a shape, it is checked: training.
// expect: captcha: a layer gets a shape that it does not take
// expect-g++: with L = Linear<10, 2>; Shape Gets = Shape{12, 1, 1, true}; Shape Wants = Shape{10, 1, 1, true}
// expect-clang++: check_shape<captcha::Linear<10, 2, true>, {12, 1, 1, true}, {10, 1, 1, true}>
#include <captcha/core/layer.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/model/tape.hpp>

using namespace captcha;

using Net = Linear<10, 2>;
#ifdef FIXED
Tape<Net, flat(10)> tape(1);
#else
Tape<Net, flat(12)> tape(1);
#endif
