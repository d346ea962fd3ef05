// The concept IdxValue: idx files hold no 64-bit integers.
// expect: IdxValue
#include <captcha/data/idx.hpp>

using namespace captcha;

#ifdef FIXED
using Value = std::int32_t;
#else
using Value = std::int64_t;
#endif
const IdxArray<Value> labels{{1}, {7}};
