// A hundred steps of a ResNet, wide enough for every kernel that ResNet-18 uses, give the same bits for any
// number of threads.
#include <captcha/data/batch.hpp>
#include <captcha/kernels/convolution.hpp>
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/testing/values.hpp>
#include <captcha/train/step.hpp>

#include "catch.hpp"
#include "sanitizer.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape character = chw(1, 40, 24);
using Net = ResNet18<20, 1, Stem::imagenet, 32>;
constexpr std::size_t steps = sanitized ? 4 : 100;  // the thread sanitizer takes seconds for each

/// All parameters and buffers after these steps, with samples that leave a rest behind every register.
std::vector<float> trained(int threads) {
  constexpr std::size_t samples = 17;
  Weights<Net> weights(1);
  const SGD sgd{.learning_rate = 0.01f, .momentum = 0.9f, .weight_decay = 5e-4f};
  auto step = training_step<character>(weights, samples, CrossEntropy{}, sgd);
  const auto pixels = random_values<float>(samples * character.size(), 1);
  Batch<float, int> batch(character, samples);
  std::vector<std::size_t> indices(samples);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::vector<float> staging(Batch<float, int>::staged * character.size());
  batch.fill(indices, std::span(staging), [&](std::size_t index, std::span<float> to) {
    std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(index * character.size()), to.size(),
                to.begin());
    return static_cast<int>(index) % 20;
  });
  Workers workers(threads);
  for (std::size_t i = 0; i < steps; ++i) step.run(weights, batch, i, 1.0, workers);
  std::vector<float> all(weights.parameters().begin(), weights.parameters().end());
  all.insert(all.end(), weights.buffers().begin(), weights.buffers().end());
  return all;
}

}  // namespace

TEST_CASE("a hundred steps give the same bits for 1, 2, 3, 4, 7, 8 and 16 threads") {
  const ConvGeometry layer1{17, 32, 32, 1, {10, 10, 3, 1, 1, 1}, {6, 6, 3, 1, 1, 1}};
  REQUIRE(is_short<float>(layer1));
  if (steps != 100) WARN("under a sanitizer only " << steps << " steps");
  const std::vector<float> alone = trained(1);
  CHECK(std::ranges::all_of(alone, [](float value) { return value == value; }));
  for (const int threads : {2, 3, 4, 7, 8, 16}) {
    const std::vector<float> together = trained(threads);
    CHECK(std::memcmp(alone.data(), together.data(), alone.size() * sizeof(float)) == 0);
  }
}
