// Dropout: one mask for forward and backward, at the right rate, the same for any number of threads.
#include <captcha/compose/chain.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape shape = chw(5, 60, 70);
constexpr int samples = 4;  // 84,000 values: several tasks

/// What one training step makes of ones: forwards, and backwards of a gradient of ones.
struct Masks {
  std::vector<float> forward, backward;
};

template <class L>
Masks masks(Noise noise, int threads = 1) {
  const std::vector<float> ones(shape.size() * samples, 1.0f);
  Weights<L> weights, gradients;
  Tape<L, shape> tape(samples);
  Workers workers(threads);
  Masks result;
  const auto y = tape.forward(weights, ones.data(), samples, noise, workers);
  result.forward.assign(y.begin(), y.end());
  std::ranges::fill(tape.output_gradient(samples), 1.0f);
  result.backward.resize(ones.size());
  tape.backward(weights, gradients, ones.data(), samples, noise, workers, result.backward.data());
  return result;
}

double zeros_in(const std::vector<float>& values) {
  return static_cast<double>(std::ranges::count(values, 0.0f)) / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("Dropout's gradients are right and it keeps the contract") {
  expect_right<Dropout<Drop{.probability = 0.25f}>, chw(3, 5, 4)>();
}

TEST_CASE("forward and backward of a step use one mask, which depends on the step alone") {
  using L = Dropout<>;
  const Masks one = masks<L>({1, 10});
  CHECK(one.forward == one.backward);
  CHECK(masks<L>({1, 10}, 3).forward == one.forward);
  CHECK(masks<L>({1, 10}, 3).backward == one.forward);
  CHECK(masks<L>({1, 11}).forward != one.forward);
  CHECK(masks<L>({2, 10}).forward != one.forward);
}

TEST_CASE("Dropout zeroes at its rate and scales the rest, so that the mean stays") {
  const auto check_rate = [](const std::vector<float>& values, double probability) {
    CHECK(zeros_in(values) ==
          Approx(probability).margin(5 * std::sqrt(0.25 / static_cast<double>(values.size()))));
    for (const float value : values)
      if (value != 0.0f) REQUIRE(value == Approx(1 / (1 - probability)));
  };
  check_rate(masks<Dropout<>>({3, 1}).forward, 0.5);
  check_rate(masks<Dropout<Drop{.probability = 0.1f}>>({3, 1}).forward, 0.1);
  check_rate(masks<Dropout<Drop{.probability = 0.0f}>>({3, 1}).forward, 0.0);
}

TEST_CASE("two Dropouts in a network draw different masks") {
  const Masks both = masks<Chain<Dropout<>, Dropout<>>>({1, 10});
  CHECK(both.forward == both.backward);
  CHECK(zeros_in(both.forward) == Approx(0.75).margin(0.01));  // 0.5 if the masks were the same
}

TEST_CASE("in prediction Dropout does nothing") {
  const auto x = random_values<float>(shape.size(), 1);
  Inference<Dropout<>, shape> infer(1);
  Workers workers;
  CHECK(std::ranges::equal(infer(pack<shape>(Weights<Dropout<>>()), x.data(), 1, workers), x));
}
