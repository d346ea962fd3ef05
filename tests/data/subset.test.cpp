// subset, take and shuffle.
#include <captcha/data/arrays.hpp>
#include <captcha/data/subset.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

using namespace captcha;

namespace {

auto numbers(std::size_t count) {
  std::vector<float> inputs(count);
  std::iota(inputs.begin(), inputs.end(), 0.0f);
  std::vector<int> targets(count);
  std::iota(targets.begin(), targets.end(), 0);
  return ArrayDataset<flat(1), int>(inputs, targets);
}

std::vector<int> targets_of(const auto& data) {
  std::vector<int> targets;
  Random random(0);
  std::array<float, 1> pixel{};
  for (std::size_t i = 0; i < data.size(); ++i) {
    targets.push_back(data.get(i, pixel, random));
    CHECK(pixel[0] == static_cast<float>(targets.back()));  // input and target belong together
  }
  return targets;
}

}  // namespace

TEST_CASE("a subset has the samples that were asked for, in that order") {
  const auto data = numbers(10);
  CHECK(targets_of(subset(data, {9, 0, 0, 4})) == std::vector<int>{9, 0, 0, 4});
  CHECK(targets_of(subset(subset(data, {9, 8, 7}), {2, 0})) == std::vector<int>{7, 9});
  CHECK(subset(data, {}).size() == 0);
  CHECK_THROWS_WITH(subset(data, {3, 10}),
                    Catch::Matchers::Contains("index 10") && Catch::Matchers::Contains("10 samples"));
}

TEST_CASE("take stops at the end") {
  CHECK(targets_of(take(numbers(5), 2)) == std::vector<int>{0, 1});
  CHECK(take(numbers(5), 0).size() == 0);
  CHECK(take(numbers(5), 50).size() == 5);
}

TEST_CASE("shuffle is a permutation that depends on the seed alone") {
  const auto data = numbers(100);
  const std::vector<int> one = targets_of(shuffle(data, 1)), two = targets_of(shuffle(data, 2));
  CHECK(one == targets_of(shuffle(data, 1)));
  CHECK(one != two);
  CHECK(one != targets_of(take(data, 100)));
  std::vector<int> sorted = one;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == targets_of(take(data, 100)));
}
