// Random numbers: the published answers of the generator, and distributions that look as they should.
#include <captcha/core/random.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <vector>

using namespace captcha;

using Block = std::array<std::uint32_t, 4>;

TEST_CASE("Philox4x32-10 gives the answers that its authors published (Random123, kat_vectors)") {
  constexpr std::uint32_t ones = 0xffffffffu;
  STATIC_REQUIRE(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  STATIC_REQUIRE(philox({ones, ones, ones, ones}, {ones, ones}) ==
                 Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  STATIC_REQUIRE(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
                 Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream repeats, and every part of its key makes another one") {
  const auto first_of = [](Random random) {
    Block block{};
    for (auto& value : block) value = random();
    return block;
  };
  std::set<Block> streams;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (const Purpose purpose : {Purpose::initialise, Purpose::dropout, Purpose::test})
      for (const std::uint64_t epoch : {0ull, 1ull, 7ull})
        for (const std::uint64_t index : {0ull, 1ull, 1ull << 31, 1ull << 32}) {
          const Block block = first_of(Random(seed, purpose, epoch, index));
          CHECK(block == first_of(Random(seed, purpose, epoch, index)));
          streams.insert(block);
        }
  CHECK(streams.size() == 3 * 3 * 3 * 4);
}

TEST_CASE("a stream does not run into the next one") {
  // Consecutive indices must not share blocks: 4000 numbers each, all different but for chance.
  std::vector<std::uint64_t> pairs;
  for (std::uint64_t index = 0; index < 4; ++index) {
    Random random(1, Purpose::test, 0, index);
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t high = random();
      pairs.push_back(high << 32 | random());
    }
  }
  std::sort(pairs.begin(), pairs.end());
  CHECK(std::adjacent_find(pairs.begin(), pairs.end()) == pairs.end());
}

TEST_CASE("uniform numbers fill their range evenly") {
  Random random(1);
  constexpr int count = 100000;
  std::array<int, 10> bins{};
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const float value = random.uniform();
    REQUIRE((value >= 0.0f && value < 1.0f));
    ++bins[static_cast<std::size_t>(value * 10)];
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  // Five standard deviations.
  CHECK(sum / count == Approx(0.5).margin(5 * std::sqrt(1.0 / 12 / count)));
  CHECK(squares / count - std::pow(sum / count, 2) == Approx(1.0 / 12).margin(0.002));
  for (const int bin : bins) CHECK(std::abs(bin - count / 10) < 5 * std::sqrt(count * 0.09));
  for (int i = 0; i < 1000; ++i) {
    const float value = random.uniform(-3.0f, 5.0f);
    REQUIRE((value >= -3.0f && value <= 5.0f));
  }
}

TEST_CASE("normal numbers have mean 0, variance 1 and the right tails") {
  Random random(2);
  constexpr int count = 100000;
  double sum = 0, squares = 0;
  int beyond_two = 0;
  for (int i = 0; i < count; ++i) {
    const double value = static_cast<double>(random.normal());
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
    beyond_two += std::abs(value) > 2;
  }
  CHECK(sum / count == Approx(0).margin(5 / std::sqrt(double{count})));
  CHECK(squares / count == Approx(1).margin(5 * std::sqrt(2.0 / count)));
  CHECK(beyond_two == Approx(0.0455 * count).margin(5 * std::sqrt(0.0455 * count)));
}

TEST_CASE("below, coin and shuffle") {
  Random random(3);
  constexpr int count = 70000;
  std::array<int, 7> faces{};
  int heads = 0;
  for (int i = 0; i < count; ++i) {
    ++faces.at(random.below(7));
    heads += random.coin(0.3f);
  }
  for (const int face : faces) CHECK(std::abs(face - count / 7) < 5 * std::sqrt(count / 7.0));
  CHECK(std::abs(heads - 0.3 * count) < 5 * std::sqrt(0.21 * count));
  CHECK(random.below(1) == 0);
  CHECK_FALSE(random.coin(0.0f));
  CHECK(random.coin(1.0f));

  std::array<int, 5> first_place{};
  for (int round = 0; round < 5000; ++round) {
    std::array<int, 5> items{0, 1, 2, 3, 4};
    random.shuffle(std::span<int>(items));
    ++first_place.at(static_cast<std::size_t>(items[0]));
    std::sort(items.begin(), items.end());
    REQUIRE(items == std::array<int, 5>{0, 1, 2, 3, 4});
  }
  for (const int times : first_place) CHECK(std::abs(times - 1000) < 5 * std::sqrt(800.0));
  std::vector<int> none;
  random.shuffle(std::span<int>(none));
}
