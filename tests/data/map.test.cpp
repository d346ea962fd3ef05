// map: pixel functions on a data set.
#include <captcha/data/arrays.hpp>
#include <captcha/data/map.hpp>

#include "catch.hpp"

#include <array>
#include <vector>

using namespace captcha;

TEST_CASE("map passes inputs, shape and the random stream to the function") {
  const ArrayDataset<chw(1, 1, 2), int> data({1.0f, 2.0f, 3.0f, 4.0f}, {10, 20});
  const auto mapped = map(data, [](std::span<float> pixels, Shape shape, Random& random) {
    CHECK(shape == chw(1, 1, 2));
    pixels[0] *= 2.0f;
    pixels[1] = random.uniform();
  });
  CHECK(mapped.size() == 2);
  std::array<float, 2> pixels{};
  Random random(5), same(5);
  CHECK(mapped.get(1, pixels, random) == 20);
  CHECK(pixels[0] == 6.0f);
  CHECK(pixels[1] == same.uniform());
}

TEST_CASE("maps apply from the inside out") {
  const ArrayDataset<flat(1), int> data({1.0f}, {0});
  const auto plus = [](std::span<float> pixels, Shape, Random&) { pixels[0] += 1.0f; };
  const auto times = [](std::span<float> pixels, Shape, Random&) { pixels[0] *= 10.0f; };
  std::array<float, 1> pixel{};
  Random random(0);
  map(map(data, plus), times).get(0, pixel, random);
  CHECK(pixel[0] == 20.0f);
  map(map(data, times), plus).get(0, pixel, random);
  CHECK(pixel[0] == 11.0f);
}

static_assert(PixelFunction<decltype([](std::span<float>, Shape, Random&) {})>);
static_assert(!PixelFunction<decltype([](std::span<float>) {})>);
