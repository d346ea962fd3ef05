// One training step: what an update does with the gradients of its batches, worked out by hand.
#include <captcha/layers/linear.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/step.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

using namespace captcha;

namespace {

using Net = Linear<2, 1, false>;
constexpr Shape shape = flat(2);

/// A sample: what goes in, and what is wanted.
struct Sample {
  std::array<float, 2> x;
  float target;
};

/// A batch of one sample.
Batch<float, float> batch_of(const Sample& sample) {
  Batch<float, float> batch(shape, 1);
  std::vector<float> staging(2 * batch.staged);
  const std::array<std::size_t, 1> first{0};
  batch.fill(first, staging, [&](std::size_t, std::span<float> pixels) {
    pixels[0] = sample.x[0];
    pixels[1] = sample.x[1];
    return sample.target;
  });
  return batch;
}

/// Weights 1 and 1 after a step over each of these samples, with a rate of 1. From there the error of a
/// sample is its x1 + x2 - target, and the gradient 2 * error * x.
std::vector<float> moved(const StepOptions& options, const std::vector<Sample>& samples) {
  auto weights = Weights<Net>::zeros();
  for (float& weight : weights.parameters()) weight = 1;
  auto step =
      training_step<shape>(weights, 1, MeanSquaredError{}, SGD{.learning_rate = 1, .momentum = 0}, options);
  Workers workers(1);
  std::size_t number = 0;
  for (const Sample& sample : samples) step.run(weights, batch_of(sample), ++number, 1, workers);
  return {weights.parameters().begin(), weights.parameters().end()};
}

const Sample large{{3, 4}, 6.5f};  // error 0.5: the gradient is (3, 4), of length 5
const Sample nothing{{1, 2}, 3};   // no error

}  // namespace

TEST_CASE("a step goes against the gradient, and the next one begins from none") {
  CHECK(moved({}, {large}) == std::vector<float>{-2, -3});
  // Weights -2 and -3 predict -3 for (0, 1), where 0 is wanted: the gradient is (0, -6).
  CHECK(moved({}, {large, {{0, 1}, 0}}) == std::vector<float>{-2, 3});
}

TEST_CASE("a gradient is clipped to the limit, and a shorter one is left alone") {
  const std::vector<float> clipped = moved({.clip_norm = 0.5}, {large});
  CHECK(clipped[0] == Approx(1 - 0.3f));
  CHECK(clipped[1] == Approx(1 - 0.4f));
  CHECK(moved({.clip_norm = 5.5}, {large}) == std::vector<float>{-2, -3});
}

TEST_CASE("an update over several batches takes the mean of their gradients, and clips that") {
  CHECK(moved({.accumulate = 2}, {large}) == std::vector<float>{1, 1});
  CHECK(moved({.accumulate = 2}, {large, nothing}) == std::vector<float>{-0.5, -1});
  CHECK(moved({.accumulate = 2, .clip_norm = 3}, {large, nothing}) == std::vector<float>{-0.5, -1});
}

TEST_CASE("a gradient is clipped however long it is") {
  // Entries of 9e18 are sound, but the squares of 512 of them add up to more than a float holds.
  auto weights = Weights<Linear<512, 1, false>>::zeros(), gradients = weights;
  for (float& slope : gradients.parameters()) slope = 9e18f;
  Descent<SGD> descent(SGD{.learning_rate = 1, .momentum = 0}, weights);
  Workers workers(1);
  CHECK(descent.gradient_norm(gradients, workers) == Approx(9e18 * std::sqrt(512.0)));
}

TEST_CASE("batches that a step was not made for are refused") {
  auto weights = Weights<Net>::zeros();
  auto step = training_step<shape>(weights, 1, MeanSquaredError{}, SGD{});
  Workers workers(1);
  const auto batch = [](Shape of, std::size_t samples) {
    Batch<float, float> made(of, samples);
    std::vector<float> staging(of.size() * made.staged);
    const std::vector<std::size_t> indices(samples);
    made.fill(indices, staging, [](std::size_t, std::span<float>) { return 0.0f; });
    return made;
  };
  CHECK_THROWS_WITH(step.run(weights, batch(shape, 2), 1, 1, workers),
                    Catch::Contains("2 samples, made for at most 1"));
  CHECK_THROWS_WITH(step.run(weights, batch(chw(2, 3, 3), 1), 1, 1, workers),
                    Catch::Contains("a batch of inputs 2 x 3 x 3, made for 2"));
  CHECK_NOTHROW(step.run(weights, batch(shape, 1), 1, 1, workers));
}
