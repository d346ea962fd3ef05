// Neighbours: which columns come from where, and how often.
#include <captcha/data/arrays.hpp>
#include <captcha/data/neighbours.hpp>

#include "catch.hpp"

#include <array>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape shape = chw(2, 3, 5);

/// Sample k holds 100 k + 10 * (channel * 3 + row) + column.
float value(int sample, int line, int column) {
  return static_cast<float>(100 * sample + 10 * line + column);
}
auto samples(int count) {
  std::vector<float> inputs;
  std::vector<int> targets;
  for (int sample = 0; sample < count; ++sample) {
    for (int line = 0; line < 6; ++line)
      for (int column = 0; column < 5; ++column) inputs.push_back(value(sample, line, column));
    targets.push_back(sample);
  }
  return ArrayDataset<shape, int>(inputs, targets);
}

}  // namespace

TEST_CASE("an image moves sideways and the edge of another fills the gap") {
  const auto cut = neighbours(samples(50), {.columns = 3, .probability = 0.5f});
  std::array<float, 30> pixels{};
  int still = 0, left = 0, right = 0;
  std::array<int, 4> shown{};
  for (std::uint64_t draw = 0; draw < 2000; ++draw) {
    Random random(3, Purpose::augment, 0, draw);
    const int own = static_cast<int>(draw % 50);
    REQUIRE(cut.get(static_cast<std::size_t>(own), pixels, random) == own);
    // The first line tells what happened; all lines must tell the same. (A sample beside itself on the left
    // looks as one on the right.)
    const auto sample_of = [](float pixel) { return static_cast<int>(pixel) / 100; };
    const int first = static_cast<int>(pixels[0]) % 10;
    const bool from_right = first > 0 && (sample_of(pixels[4]) != own || first < 3);
    const bool from_left = first > 0 && (sample_of(pixels[0]) != own || !from_right);
    const int strip = from_left ? 5 - first : first;
    const int other = sample_of(from_left ? pixels[0] : pixels[4]);
    (from_left ? left : from_right ? right : still) += 1;
    shown[static_cast<std::size_t>(strip)] += 1;
    for (int line = 0; line < 6; ++line)
      for (int column = 0; column < 5; ++column) {
        const int own_column = from_left ? column - strip : column + strip;
        const float expected = own_column >= 0 && own_column < 5
                                   ? value(own, line, own_column)
                                   : value(other, line, own_column < 0 ? own_column + 5 : own_column - 5);
        REQUIRE(pixels[static_cast<std::size_t>(line * 5 + column)] == expected);
      }
  }
  CHECK(still == Approx(1000).margin(100));
  CHECK(left == Approx(500).margin(80));
  CHECK(right == Approx(500).margin(80));
  for (const int strip : {1, 2, 3}) CHECK(shown[static_cast<std::size_t>(strip)] == Approx(333).margin(70));
}

TEST_CASE("a strip is never the whole image, and an image of one column stays as it is") {
  const auto wide = neighbours(samples(3), {.columns = 100, .probability = 1});
  std::array<float, 30> pixels{};
  for (std::uint64_t draw = 0; draw < 300; ++draw) {
    Random random(4, Purpose::augment, 0, draw);
    wide.get(1, pixels, random);
    int own = 0;
    for (int column = 0; column < 5; ++column)
      own += static_cast<int>(pixels[static_cast<std::size_t>(column)]) / 100 == 1;
    CHECK(own >= 1);
  }
  const auto narrow = neighbours(ArrayDataset<chw(1, 2, 1), int>({1, 2, 3, 4}, {0, 1}), {.probability = 1});
  Random random(5);
  std::array<float, 2> column{};
  narrow.get(1, column, random);
  CHECK((column[0] == 3 && column[1] == 4));
}
