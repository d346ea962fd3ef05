// Calibration against sums done by hand, its bins, and its state.
#include <captcha/metric/calibration.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

using namespace captcha;

static_assert(Metric<Calibration<>, int> && KeepsState<Calibration<>>);

namespace {

/// Two classes; each sample has probability p for class 1.
std::vector<float> logits_of(const std::vector<double>& p) {
  std::vector<float> values(p.size(), 0.0f);
  for (const double of_one : p) values.push_back(static_cast<float>(std::log(of_one / (1 - of_one))));
  return values;
}

}  // namespace

TEST_CASE("the calibration error is the mean gap between confidence and accuracy") {
  // Two bins of five hold samples: (0.6, 0.8] three of which two are right, (0.8, 1] one which is wrong.
  const std::vector<double> p{0.7, 0.75, 0.3, 0.9};
  const std::array<int, 4> targets{1, 0, 0, 0};
  const auto values = logits_of(p);
  Calibration<5> calibration;
  calibration.add(Outputs<const float>{values, 4}, std::span<const int>(targets));
  const auto& bins = calibration.bins();
  CHECK(bins[0].samples + bins[1].samples + bins[2].samples == 0);
  CHECK(bins[0].accuracy() == 0);
  CHECK(bins[3].samples == 3);
  CHECK(bins[3].accuracy() == Approx(2.0 / 3));
  CHECK(bins[3].mean_confidence() == Approx((0.7 + 0.75 + 0.7) / 3));
  CHECK(bins[4].samples == 1);
  CHECK(bins[4].accuracy() == 0);
  const double expected = 0.75 * std::abs(2.0 / 3 - (0.7 + 0.75 + 0.7) / 3) + 0.25 * 0.9;
  CHECK(calibration.value() == Approx(expected).epsilon(1e-6));
  const double brier = 2 * (0.3 * 0.3 + 0.75 * 0.75 + 0.3 * 0.3 + 0.9 * 0.9) / 4;
  CHECK(calibration.brier() == Approx(brier).epsilon(1e-6));
}

TEST_CASE("batches add up, and what was counted can be saved and restored") {
  const std::vector<double> p{0.55, 0.99, 0.2, 0.7, 0.01, 0.6};
  const std::array<int, 6> targets{1, 1, 1, 0, 0, 1};
  const auto values = logits_of(p);
  Calibration<> whole;
  whole.add(Outputs<const float>{values, 6}, std::span<const int>(targets));
  const auto first = logits_of({p.begin(), p.begin() + 2}), second = logits_of({p.begin() + 2, p.end()});
  Calibration<> parts;
  parts.add(Outputs<const float>{first, 2}, std::span<const int>(targets).first(2));
  Calibration<> restored;
  restored.restore(parts.state());
  restored.add(Outputs<const float>{second, 4}, std::span<const int>(targets).last(4));
  CHECK(restored.value() == Approx(whole.value()).epsilon(1e-12));
  CHECK(restored.brier() == Approx(whole.brier()).epsilon(1e-12));
  CHECK(whole.value() > 0.05);
}

TEST_CASE("a sure and right network has no error, whatever the size of its logits") {
  const std::array<float, 4> values{1e4f, -1e4f, -1e4f, 1e4f};
  const std::array<int, 2> targets{0, 1};
  Calibration<> calibration;
  CHECK(calibration.value() == 0);  // nothing seen
  calibration.add(Outputs<const float>{values, 2}, std::span<const int>(targets));
  CHECK(calibration.value() == 0);
  CHECK(calibration.brier() == 0);
  CHECK(calibration.bins()[14].samples == 2);
}

TEST_CASE("equal logits lie in the bin of their share, and not-a-number spoils the sum") {
  const std::array<float, 4> even{1, 1, 1, 1};
  const std::array<int, 1> target{2};
  Calibration<4> calibration;
  calibration.add(Outputs<const float>{even, 1}, std::span<const int>(target));
  CHECK(calibration.bins()[0].samples == 1);  // a quarter is the upper end of the first
  CHECK(calibration.value() == Approx(0.25));
  const std::array<float, 4> broken{1, std::numeric_limits<float>::quiet_NaN(), 1, 1};
  calibration.add(Outputs<const float>{broken, 1}, std::span<const int>(target));
  CHECK(std::isnan(calibration.value()));
}
