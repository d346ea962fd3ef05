// The concept Schedule: it must turn progress into a number.
// expect: Schedule
// expect: schedule(progress)
#include <captcha/optim/schedule.hpp>

using namespace captcha;

struct Half {
#ifdef FIXED
  double operator()(Progress) const {
    return 0.5;
  }
#else
  double operator()(Progress, double) const {
    return 0.5;
  }
#endif
};
const WarmUp<Half> schedule{};
