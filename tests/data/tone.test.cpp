// Brightness, contrast, inversion, binarisation, clamping.
#include <captcha/data/tone.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace captcha;

namespace {
const std::vector<float> ramp{0.1f, 0.2f, 0.4f, 0.9f};
float spread(const std::vector<float>& pixels) {
  return *std::max_element(pixels.begin(), pixels.end()) - *std::min_element(pixels.begin(), pixels.end());
}
}  // namespace

TEST_CASE("brightness moves the mean, contrast the spread, both within their limits") {
  float most_offset = 0.0f, most_factor = 0.0f;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::vector<float> brighter = ramp, stretched = ramp;
    Random a(seed), b(seed);
    BrightnessContrast{.brightness = 0.3f, .contrast = 0.0f}(brighter, chw(1, 2, 2), a);
    const float offset = mean_of(brighter) - mean_of(ramp);
    CHECK(spread(brighter) == Approx(spread(ramp)).epsilon(1e-4));
    CHECK(std::abs(offset) <= 0.3001f);
    BrightnessContrast{.brightness = 0.0f, .contrast = 0.5f}(stretched, chw(1, 2, 2), b);
    const float factor = spread(stretched) / spread(ramp) - 1.0f;
    CHECK(mean_of(stretched) == Approx(mean_of(ramp)).epsilon(1e-4));
    CHECK(std::abs(factor) <= 0.5001f);
    most_offset = std::max(most_offset, std::abs(offset));
    most_factor = std::max(most_factor, std::abs(factor));
  }
  CHECK(most_offset > 0.28f);
  CHECK(most_factor > 0.47f);
}

TEST_CASE("neutral options leave pixels alone") {
  std::vector<float> pixels = ramp;
  Random random(1);
  BrightnessContrast{.brightness = 0.0f, .contrast = 0.0f}(pixels, chw(1, 2, 2), random);
  BrightnessContrast{.probability = 0.0f}(pixels, chw(1, 2, 2), random);
  Invert{.probability = 0.0f}(pixels, chw(1, 2, 2), random);
  Binarise{.probability = 0.0f}(pixels, chw(1, 2, 2), random);
  Clamp{}(pixels, chw(1, 2, 2), random);
  CHECK(pixels == ramp);
}

TEST_CASE("invert swaps light and dark, twice gives the image back") {
  std::vector<float> pixels = ramp;
  Random random(1);
  Invert{.probability = 1.0f}(pixels, chw(1, 2, 2), random);
  CHECK(pixels[0] == Approx(0.9f));
  CHECK(pixels[3] == Approx(0.1f));
  CHECK(pixels[1] == Approx(0.8f));
  Invert{.probability = 1.0f}(pixels, chw(1, 2, 2), random);
  for (std::size_t i = 0; i < ramp.size(); ++i) CHECK(pixels[i] == Approx(ramp[i]));
}

TEST_CASE("binarise leaves the two ends of the range, parted at a border inside it") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<float> pixels{0.2f, 0.25f, 0.4f, 0.6f, 0.95f, 1.0f};
    Random random(seed);
    Binarise{.from = 0.3f, .to = 0.4f, .probability = 1}(pixels, chw(1, 2, 3), random);
    CHECK((pixels[0] == 0.2f && pixels[1] == 0.2f && pixels[2] == 0.2f));  // borders from 0.44 to 0.52
    CHECK((pixels[3] == 1.0f && pixels[4] == 1.0f && pixels[5] == 1.0f));
  }
  std::vector<float> constant(4, 0.5f);
  Random random(1);
  Binarise{.probability = 1}(constant, chw(1, 2, 2), random);
  CHECK(constant == std::vector<float>(4, 0.5f));
}

TEST_CASE("clamp limits") {
  std::vector<float> pixels{-1.0f, 0.5f, 2.0f};
  Random random(1);
  Clamp{.low = 0.25f, .high = 1.0f}(pixels, flat(3), random);
  CHECK(pixels == std::vector<float>{0.25f, 0.5f, 1.0f});
}
