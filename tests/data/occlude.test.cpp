// Erased boxes and strike-through lines.
#include <captcha/data/occlude.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace captcha;

TEST_CASE("what is erased is one box of the given area, in all channels") {
  const Shape shape = chw(2, 40, 30);
  float smallest = 1.0f, largest = 0.0f;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::vector<float> pixels(shape.size(), 0.0f);
    Random random(seed);
    RandomErasing{.smallest = 0.05f, .largest = 0.15f, .aspect = 2.0f, .value = 1.0f, .probability = 1.0f}(
        pixels, shape, random);
    int top = 40, bottom = -1, left = 30, right = -1, count = 0;
    for (int y = 0; y < 40; ++y)
      for (int x = 0; x < 30; ++x) {
        const std::size_t at = static_cast<std::size_t>(y * 30 + x);
        REQUIRE(pixels[at] == pixels[at + 1200]);
        if (pixels[at] != 1.0f) continue;
        ++count;
        top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x),
        right = std::max(right, x);
      }
    const int height = bottom - top + 1, width = right - left + 1;
    REQUIRE(count == height * width);
    const float fraction = static_cast<float>(count) / 1200.0f;
    CHECK((fraction > 0.035f && fraction < 0.17f));
    CHECK((height <= 3 * width && width <= 3 * height));
    smallest = std::min(smallest, fraction);
    largest = std::max(largest, fraction);
  }
  CHECK(smallest < 0.06f);
  CHECK(largest > 0.14f);
}

TEST_CASE("erasing without a value keeps the image's range; impossible boxes are cut to the image") {
  std::vector<float> pixels(100);
  for (std::size_t i = 0; i < 100; ++i) pixels[i] = -3.0f + 0.01f * static_cast<float>(i);
  const std::vector<float> before = pixels;
  Random random(3);
  RandomErasing{.smallest = 0.5f, .largest = 0.5f, .probability = 1.0f}(pixels, chw(1, 10, 10), random);
  CHECK(pixels != before);
  for (const float value : pixels) CHECK((value >= -3.0f && value <= -2.01f));
  RandomErasing{.smallest = 9.0f, .largest = 9.0f, .value = 7.0f, .probability = 1.0f}(pixels, chw(1, 10, 10),
                                                                                       random);
  CHECK(pixels == std::vector<float>(100, 7.0f));
}

TEST_CASE("lines run from edge to edge, dark, and touch only a band") {
  const Shape shape = chw(1, 52, 32);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<float> pixels(shape.size(), 0.8f);
    pixels[0] = 0.1f;  // the darkest
    Random random(seed);
    StrikeThrough{.lines = 1, .thickness = 2.0f, .slope = 0.3f, .probability = 1.0f}(pixels, shape, random);
    int struck = 0, columns = 0;
    for (std::size_t x = 0; x < 32; ++x) {
      float dark = 0.0f;
      for (std::size_t y = 0; y < 52; ++y) {
        const float value = pixels[y * 32 + x];
        REQUIRE((value >= 0.1f - 1e-6f && value <= 0.8f + 1e-6f));
        if (x + y > 0) dark += (0.8f - value) / 0.7f;
      }
      struck += dark > 0.0f;
      CHECK(dark < 2.3f);  // thickness, a little more where the line leans
      columns += dark > 0.95f;
    }
    CHECK(struck >= 16);  // a line may leave at the top or the bottom, half of it at most
    CHECK(columns >= 14);
  }
}

TEST_CASE("probability 0 and no lines leave pixels alone; a value is taken as given") {
  std::vector<float> pixels(52 * 32, 0.5f);
  const std::vector<float> before = pixels;
  Random random(1);
  StrikeThrough{.probability = 0.0f}(pixels, chw(1, 52, 32), random);
  StrikeThrough{.lines = 0, .probability = 1.0f}(pixels, chw(1, 52, 32), random);
  RandomErasing{.probability = 0.0f}(pixels, chw(1, 52, 32), random);
  CHECK(pixels == before);
  StrikeThrough{.lines = 5, .value = 1.0f, .probability = 1.0f}(pixels, chw(1, 52, 32), random);
  CHECK(*std::max_element(pixels.begin(), pixels.end()) == Approx(1.0f));
  CHECK(*std::min_element(pixels.begin(), pixels.end()) == 0.5f);
}
