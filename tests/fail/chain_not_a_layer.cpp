// A part of a chain that is no layer: the message says which requirement it misses.
// expect: captcha: every part of a Chain must be a Layer
// expect: NoLayer
#include <captcha/compose/chain.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/relu.hpp>

using namespace captcha;

struct NoLayer {};
#ifdef FIXED
using Net = Chain<ReLU, Identity>;
#else
using Net = Chain<ReLU, NoLayer>;
#endif
constexpr Shape shape = Net::out(flat(3));
