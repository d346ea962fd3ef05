// Learning-rate schedules at the steps where they turn, worked out by hand.
#include <captcha/optim/schedule.hpp>

#include "catch.hpp"

#include <cstddef>

using namespace captcha;

TEST_CASE("a warm-up rises from its start to the schedule behind it, which runs over the steps that remain") {
  const WarmUp<CosineRate> rate{.steps = 4, .from = 0.2};
  const auto at = [&](std::size_t step) { return rate(Progress{step, 14}); };
  CHECK(at(0) == Approx(0.2));
  CHECK(at(1) == Approx(0.4));
  CHECK(at(3) == Approx(0.8));
  CHECK(at(4) == Approx(1.0));
  CHECK(at(9) == Approx(0.5));  // half of the ten that remain
  CHECK(at(14) == Approx(0).margin(1e-12));
}

TEST_CASE("one cycle starts low, peaks at its rise and ends lower") {
  const OneCycle rate{.rise = 0.3, .start_divisor = 10, .end_divisor = 50};
  const auto at = [&](std::size_t step) { return rate(Progress{step, 20}); };
  CHECK(at(0) == Approx(0.1));
  CHECK(at(5) == Approx(1.0));  // the sixth of twenty steps
  CHECK(at(4) < 1.0);
  CHECK(at(6) < 1.0);
  CHECK(at(12) == Approx((1 + 0.1 / 50) / 2));
  CHECK(at(19) == Approx(0.1 / 50));
}

TEST_CASE("a rate in steps changes between epochs only") {
  const StepRate rate{.epochs = 2, .gamma = 0.5};
  const auto at = [&](std::size_t step) { return rate(Progress{step, 100, 3}); };
  CHECK(at(0) == 1.0);
  CHECK(at(5) == 1.0);
  CHECK(at(6) == 0.5);
  CHECK(at(11) == 0.5);
  CHECK(at(12) == 0.25);
  CHECK(CosineRate{.floor = 0.5}(Progress{5, 10}) == Approx(0.75));
}
