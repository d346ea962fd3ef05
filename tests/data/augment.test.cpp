// Composition of pixel functions.
#include <captcha/data/arrays.hpp>
#include <captcha/data/augment.hpp>
#include <captcha/data/normalise.hpp>

#include "catch.hpp"

#include <cmath>
#include <vector>

using namespace captcha;

namespace {
const Augment everything{Stretch{},
                         Affine{.rotate = 15.0f},
                         GaussianBlur{.sigma = 1.5f},
                         BrightnessContrast{},
                         GaussianNoise{.deviation = 0.1f},
                         RandomErasing{},
                         StrikeThrough{},
                         Invert{},
                         Clamp{},
                         Standardise{}};
}

static_assert(PixelFunction<decltype(everything)> && PixelFunction<Affine> && PixelFunction<GaussianNoise> &&
              PixelFunction<GaussianBlur> && PixelFunction<BrightnessContrast> &&
              PixelFunction<RandomErasing> && PixelFunction<StrikeThrough> && PixelFunction<Invert> &&
              PixelFunction<Clamp>);

TEST_CASE("steps run in order") {
  const auto plus = [](std::span<float> pixels, Shape, Random&) { pixels[0] += 1.0f; };
  const auto times = [](std::span<float> pixels, Shape, Random&) { pixels[0] *= 10.0f; };
  std::vector<float> pixel{2.0f};
  Random random(0);
  Augment{plus, times, Augment{plus, plus}}(pixel, flat(1), random);
  CHECK(pixel[0] == 32.0f);
}

TEST_CASE("all augmentations together: finite, deterministic, of every shape, even on odd images") {
  for (const Shape shape : {chw(1, 52, 32), chw(3, 9, 17), chw(1, 1, 1), chw(1, 1, 8)})
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      std::vector<float> one(shape.size());
      Random fill(seed);
      if (seed % 3 != 0)
        for (float& value : one) value = fill.coin() ? 0.0f : 1.0f / 255.0f;
      std::vector<float> two = one;
      Random a(seed, Purpose::augment, 1, 2), b(seed, Purpose::augment, 1, 2);
      everything(one, shape, a);
      everything(two, shape, b);
      REQUIRE(one == two);
      for (const float value : one) REQUIRE(std::isfinite(value));
    }
}

TEST_CASE("map takes augmentations and compositions of them") {
  const ArrayDataset<chw(1, 4, 4), int> data(std::vector<float>(32, 0.5f), {0, 1});
  const auto augmented = map(map(data, GaussianNoise{}), everything);
  std::vector<float> pixels(16);
  Random random(1);
  CHECK(augmented.get(1, pixels, random) == 1);
  CHECK(pixels[0] != 0.5f);
}
