// The losses: their gradients by the outputs against differences, in double, and values worked out by hand.
#include <captcha/loss/loss.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

using namespace captcha;

namespace {

template <class Loss, class Target>
double value_of(const Loss& loss, const std::vector<double>& outputs, const std::vector<Target>& targets,
                std::span<double> gradient = {}) {
  return loss(Outputs<const double>{outputs, targets.size()}, std::span<const Target>(targets),
              Outputs<double>{gradient, targets.size()});
}

/// Every entry of the gradient is what central differences, extrapolated, say: to 1e-6 of the entry or of the
/// rms.
template <class Loss, class Target>
void expect_gradient(const Loss& loss, std::size_t features, const std::vector<Target>& targets) {
  auto outputs = random_values<double>(features * targets.size(), 1, -3, 3);
  std::vector<double> gradient(outputs.size(), std::numeric_limits<double>::quiet_NaN());
  value_of(loss, outputs, targets, gradient);
  double squares = 0;
  for (const double entry : gradient) squares += entry * entry;
  const double rms = std::sqrt(squares / static_cast<double>(gradient.size()));
  REQUIRE(rms > 0.01);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double centre = outputs[i];
    const auto slope = [&](double step) {
      outputs[i] = centre + step;
      const double high = value_of(loss, outputs, targets);
      outputs[i] = centre - step;
      const double low = value_of(loss, outputs, targets);
      outputs[i] = centre;
      return (high - low) / (2 * step);
    };
    CAPTURE(i);
    CHECK(gradient[i] == Approx((4 * slope(5e-4) - slope(1e-3)) / 3).epsilon(1e-6).margin(1e-6 * rms));
  }
}

const std::vector<int> labels{0, 3, 1, 3, 2};
const std::vector<Mixed<int>> blends{{0, 1, 0.25f}, {2, 2, 0.5f}, {3, 0, 1.0f}};
const std::vector<float> weights{0.5f, 3.0f, 1.0f, 0.25f};

}  // namespace

TEST_CASE("cross-entropy's gradient is right, with every option") {
  expect_gradient(CrossEntropy{}, 4, labels);
  expect_gradient(CrossEntropy{}, 4, blends);
  expect_gradient(CrossEntropy{.label_smoothing = 0.25f}, 4, labels);
  expect_gradient(CrossEntropy{.class_weights = weights}, 4, labels);
  expect_gradient(CrossEntropy{.label_smoothing = 0.25f, .class_weights = weights}, 4, labels);
  expect_gradient(CrossEntropy{.label_smoothing = 0.125f, .class_weights = weights}, 4, blends);
}

TEST_CASE("mean squared error's gradient is right, for every kind of target") {
  expect_gradient(MeanSquaredError{}, 1, std::vector<float>{0.5f, -1.0f, 2.0f});
  expect_gradient(MeanSquaredError{}, 2, std::vector<std::array<float, 2>>{{0.5f, 1.0f}, {-1.0f, 0.0f}});
  expect_gradient(MeanSquaredError{}, 1, std::vector<Mixed<float>>{{1.0f, -1.0f, 0.25f}, {2.0f, 0.0f, 1.0f}});
}

TEST_CASE("the gradient of a mean over heads is right, for every kind of target and loss of a head") {
  using Three = std::array<int, 3>;
  const std::vector<Three> words{{0, 3, 1}, {2, 2, 0}, {1, 0, 3}, {3, 1, 2}};
  expect_gradient(MeanOverHeads<>{}, 12, words);
  expect_gradient(MeanOverHeads<>{{.label_smoothing = 0.25f}}, 12, words);
  expect_gradient(MeanOverHeads<>{{.label_smoothing = 0.25f, .class_weights = weights}}, 12, words);
  expect_gradient(MeanOverHeads<>{{.label_smoothing = 0.125f}}, 12,
                  std::vector<Mixed<Three>>{{{0, 3, 1}, {2, 2, 0}, 0.25f}, {{1, 0, 3}, {1, 1, 2}, 1.0f}});
  expect_gradient(MeanOverHeads<>{}, 4, std::vector<std::array<int, 1>>{{0}, {3}, {1}});
  expect_gradient(MeanOverHeads<MeanSquaredError>{}, 2,
                  std::vector<std::array<float, 2>>{{0.5f, 1.0f}, {-1.0f, 0.0f}});
}

TEST_CASE("a mean over heads is the mean of the losses of its heads") {
  using Pair = std::array<int, 2>;
  // Two heads of two classes: certain of class 0 by 3 to 1, and undecided.
  const std::vector<double> outputs{std::log(3.0), 0, 0, 0};
  CHECK(value_of(MeanOverHeads<>{}, outputs, std::vector<Pair>{{0, 1}}) ==
        Approx((-std::log(0.75) - std::log(0.5)) / 2));
  CHECK(value_of(MeanOverHeads<>{}, outputs, std::vector<Pair>{{1, 0}}) ==
        Approx((-std::log(0.25) - std::log(0.5)) / 2));
  // One head is the loss itself, and so are its gradients.
  const std::vector<double> logits = random_values<double>(12, 4, -2, 2);
  std::vector<double> single(12), headed(12);
  CHECK(value_of(CrossEntropy{}, logits, std::vector<int>{1, 3, 0}, single) ==
        Approx(value_of(MeanOverHeads<>{}, logits, std::vector<std::array<int, 1>>{{1}, {3}, {0}}, headed)));
  CHECK(single == headed);
}

TEST_CASE("a mean over heads refuses what does not fit its heads") {
  using Three = std::array<int, 3>;
  CHECK_THROWS_WITH(value_of(MeanOverHeads<>{}, std::vector<double>(7), std::vector<Three>{{0, 1, 0}}),
                    Catch::Contains("7 outputs, which 3 heads cannot share evenly"));
  CHECK_THROWS_WITH(value_of(MeanOverHeads<>{}, std::vector<double>(6), std::vector<Three>{{0, 1, 2}}),
                    Catch::Contains("class 2, expected 0 to 1"));
  static_assert(Loss<MeanOverHeads<>, Three> && Loss<MeanOverHeads<>, Mixed<Three>>);
  static_assert(!Loss<MeanOverHeads<>, int> && !Loss<MeanOverHeads<>, std::array<float, 3>>);
  static_assert(Loss<MeanOverHeads<MeanSquaredError>, std::array<float, 3>>);
}

TEST_CASE("cross-entropy gives the values of its formula") {
  // Two classes with probabilities 1/4 and 3/4, for each of two samples.
  const std::vector<double> logits{0, 0, std::log(3.0), std::log(3.0)};
  const double first = -std::log(0.25), second = -std::log(0.75);
  const std::vector<int> both{0, 1};
  CHECK(value_of(CrossEntropy{}, logits, both) == Approx((first + second) / 2));
  CHECK(value_of(CrossEntropy{}, logits, std::vector<Mixed<int>>{{0, 1, 0.75f}, {1, 0, 1.0f}}) ==
        Approx((0.75 * first + 0.25 * second + second) / 2));
  // Half of the target is spread over both classes.
  const double spread = (0.75 * first + 0.25 * second + 0.25 * first + 0.75 * second) / 2;
  CHECK(value_of(CrossEntropy{.label_smoothing = 0.5f}, logits, both) == Approx(spread));
  // The mean is over the weights, not over the samples.
  CHECK(value_of(CrossEntropy{.class_weights = {1.0f, 3.0f}}, logits, both) ==
        Approx((first + 3 * second) / 4));
}

TEST_CASE("mean squared error gives the values of its formula") {
  const std::vector<double> outputs{1, 2, 3, 4};  // features of two samples: 1 and 3, 2 and 4
  CHECK(
      value_of(MeanSquaredError{}, outputs, std::vector<std::array<float, 2>>{{1.0f, 1.0f}, {0.0f, 5.0f}}) ==
      Approx((0.0 + 4.0 + 4.0 + 1.0) / 4));
  CHECK(value_of(MeanSquaredError{}, {2.0}, std::vector<Mixed<float>>{{4.0f, 2.0f, 0.25f}}) == Approx(0.25));
}
