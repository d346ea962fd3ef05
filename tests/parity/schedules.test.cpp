// Learning-rate schedules against PyTorch's, step by step.
#include <captcha/optim/schedule.hpp>

#include "parity.hpp"

using namespace captcha;

namespace {

/// PyTorch's rates start from a base of 0.1.
template <Schedule S>
void check_schedule(const std::string& name, const S& schedule, std::size_t steps_per_epoch = 1) {
  CAPTURE(name);
  const std::vector<float> expected = parity::Reference("schedules").values(name);
  REQUIRE(expected.size() == 40);
  for (std::size_t step = 0; step < expected.size(); ++step) {
    CAPTURE(step);
    const double rate = 0.1 * schedule(Progress{step, expected.size(), steps_per_epoch});
    CHECK(rate == Approx(expected[step]).epsilon(1e-6).margin(1e-9));
  }
}

}  // namespace

TEST_CASE("schedules give PyTorch's learning rates") {
  check_schedule("step", StepRate{.epochs = 12, .gamma = 0.3});
  check_schedule("step", StepRate{.epochs = 3, .gamma = 0.3}, 4);
  check_schedule("cosine", CosineRate{});
  check_schedule("cosine.floor", CosineRate{.floor = 0.1});
  check_schedule("one_cycle", OneCycle{});
  check_schedule("one_cycle.options", OneCycle{.rise = 0.1, .start_divisor = 10, .end_divisor = 50});
  check_schedule("warm_cosine", WarmUp<CosineRate>{.steps = 8, .from = 0.1});
}
