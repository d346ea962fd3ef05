// pad: images in the middle of a frame.
#include <captcha/data/arrays.hpp>
#include <captcha/data/pad.hpp>

#include "catch.hpp"

#include <array>
#include <numeric>
#include <vector>

using namespace captcha;

TEST_CASE("pad centres every channel and fills the margin") {
  std::vector<float> inputs(2 * 2 * 3);
  std::iota(inputs.begin(), inputs.end(), 1.0f);
  const ArrayDataset<chw(2, 2, 3), int> data(inputs, {7});
  const auto padded = pad<chw(2, 4, 6)>(data, -1.0f);
  static_assert(Dataset<std::remove_const_t<decltype(padded)>>);
  std::array<float, 48> pixels{};
  Random random(0);
  CHECK(padded.get(0, pixels, random) == 7);
  CHECK(padded.target(0) == 7);
  for (int c = 0; c < 2; ++c)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 6; ++x) {
        const bool inside = y >= 1 && y < 3 && x >= 1 && x < 4;
        const float expected = inside ? static_cast<float>(1 + (c * 2 + y - 1) * 3 + x - 1) : -1.0f;
        CHECK(pixels[static_cast<std::size_t>((c * 4 + y) * 6 + x)] == expected);
      }
}

TEST_CASE("a frame of the same size changes nothing; frames nest") {
  const ArrayDataset<chw(1, 1, 1), int> data({5.0f}, {0});
  std::array<float, 1> one{};
  std::array<float, 25> many{};
  Random random(0);
  pad<chw(1, 1, 1)>(data).get(0, one, random);
  CHECK(one[0] == 5.0f);
  pad<chw(1, 5, 5)>(pad<chw(1, 3, 3)>(data, 2.0f)).get(0, many, random);
  CHECK(many[12] == 5.0f);
  CHECK(std::accumulate(many.begin(), many.end(), 0.0f) == 5.0f + 8 * 2.0f);
}
