// Mix-up: the blend, its weight and its distribution.
#include <captcha/data/arrays.hpp>
#include <captcha/data/mixup.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <vector>

using namespace captcha;

namespace {

auto numbers(std::size_t count) {
  std::vector<float> inputs;
  std::vector<int> targets;
  for (std::size_t i = 0; i < count; ++i) {
    inputs.insert(inputs.end(), {static_cast<float>(i), -static_cast<float>(i)});
    targets.push_back(static_cast<int>(i));
  }
  return ArrayDataset<flat(2), int>(inputs, targets);
}

}  // namespace

TEST_CASE("inputs are blended with the weight that the target tells") {
  const auto mixed = mixup(numbers(50), {.alpha = 1.0});
  static_assert(std::same_as<Target<std::remove_const_t<decltype(mixed)>>, Mixed<int>>);
  static_assert(!HasTarget<std::remove_const_t<decltype(mixed)>>);
  std::array<float, 2> pixels{};
  int others = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    Random random(1, Purpose::augment, 0, i);
    const Mixed<int> target = mixed.get(i % 50, pixels, random);
    CHECK(target.first == static_cast<int>(i % 50));
    CHECK((target.weight >= 0.0f && target.weight <= 1.0f));
    const float expected = target.weight * static_cast<float>(target.first) +
                           (1.0f - target.weight) * static_cast<float>(target.second);
    CHECK(pixels[0] == Approx(expected).margin(1e-4));
    CHECK(pixels[1] == Approx(-expected).margin(1e-4));
    others += target.first != target.second;
  }
  CHECK(others > 450);
}

TEST_CASE("the weight follows Beta(alpha, alpha)") {
  for (const double alpha : {0.001, 0.2, 1.0, 4.0}) {
    const auto mixed = mixup(numbers(2), {.alpha = alpha});
    std::array<float, 2> pixels{};
    double sum = 0.0, squares = 0.0;
    const int draws = 20000;
    for (int i = 0; i < draws; ++i) {
      Random random(2, Purpose::augment, 0, static_cast<std::uint64_t>(i));
      const double weight = static_cast<double>(mixed.get(0, pixels, random).weight);
      REQUIRE(std::isfinite(weight));
      sum += weight;
      squares += (weight - 0.5) * (weight - 0.5);
    }
    CHECK(sum / draws == Approx(0.5).margin(0.015));
    CHECK(squares / draws == Approx(0.25 / (2.0 * alpha + 1.0)).epsilon(0.05));
  }
}

TEST_CASE("probability 0 leaves samples alone, a bad alpha is an error") {
  const auto mixed = mixup(numbers(5), {.probability = 0.0f});
  std::array<float, 2> pixels{};
  Random random(3);
  const Mixed<int> target = mixed.get(3, pixels, random);
  CHECK((target.first == 3 && target.second == 3 && target.weight == 1.0f));
  CHECK(pixels[0] == 3.0f);
  CHECK_THROWS_AS(mixup(numbers(5), {.alpha = 0.0}), Error);
  CHECK_THROWS_AS(mixup(numbers(5), {.alpha = std::nan("")}), Error);
}
