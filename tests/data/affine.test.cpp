// Affine resampling: exact cases, fill, range, determinism.
#include <captcha/data/affine.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace captcha;

namespace {

std::vector<float> random_image(Shape shape, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> pixels(shape.size());
  for (float& value : pixels) value = random.uniform();
  return pixels;
}

}  // namespace

TEST_CASE("the identity changes no bit") {
  for (const Shape shape : {chw(1, 52, 32), chw(3, 7, 5), chw(1, 1, 1), flat(9)}) {
    const std::vector<float> before = random_image(shape);
    std::vector<float> after = before;
    resample(after, shape, AffineMap{});
    CHECK(after == before);
    Random random(2);
    Affine{.rotate = 0.0f, .shift = 0.0f, .scale = 0.0f, .shear = 0.0f}(after, shape, random);
    CHECK(after == before);
    Affine{.probability = 0.0f}(after, shape, random);
    CHECK(after == before);
  }
}

TEST_CASE("a quarter turn moves every pixel to its place") {
  for (const int side : {4, 5}) {
    const Shape shape = chw(2, side, side);
    const std::vector<float> before = random_image(shape);
    std::vector<float> after = before;
    // Clockwise: what was at the left comes to the top.
    resample(after, shape, AffineMap{.xx = 0.0f, .xy = 1.0f, .yx = -1.0f, .yy = 0.0f});
    for (int c = 0; c < 2; ++c)
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          CHECK(after[static_cast<std::size_t>((c * side + y) * side + x)] ==
                before[static_cast<std::size_t>((c * side + side - 1 - x) * side + y)]);
  }
}

TEST_CASE("a shift by whole pixels moves and fills") {
  const Shape shape = chw(1, 3, 4);
  std::vector<float> pixels{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  resample(pixels, shape, AffineMap{.dx = -1.0f, .dy = 1.0f}, 0.5f);
  CHECK(pixels == std::vector<float>{0.5f, 5, 6, 7, 0.5f, 9, 10, 11, 0.5f, 0.5f, 0.5f, 0.5f});
}

TEST_CASE("a shift by half a pixel averages neighbours") {
  std::vector<float> pixels{0.0f, 1.0f, 3.0f, 7.0f};
  resample(pixels, chw(1, 1, 4), AffineMap{.dx = 0.5f}, 7.0f);
  CHECK(pixels == std::vector<float>{0.5f, 2.0f, 5.0f, 7.0f});
}

TEST_CASE("without a given fill the border's mean is used") {
  std::vector<float> pixels(9, 0.25f);
  pixels[4] = 1.0f;  // the middle does not count
  CHECK(border_mean(pixels, 3, 3) == 0.25f);
  resample(pixels, chw(1, 3, 3), AffineMap{.dx = 100.0f});
  CHECK(pixels == std::vector<float>(9, 0.25f));
}

TEST_CASE("results stay within the range of the image") {
  const Shape shape = chw(1, 52, 32);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<float> pixels = random_image(shape, seed);
    const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
    const float least = *low, most = *high;
    Random random(seed);
    Affine{.rotate = 180.0f, .shift = 1.0f, .scale = 3.0f, .shear = 80.0f}(pixels, shape, random);
    for (const float value : pixels) REQUIRE((value >= least - 1e-6f && value <= most + 1e-6f));
  }
}

TEST_CASE("the same random numbers give the same bits, others do not") {
  const Shape shape = chw(1, 52, 32);
  std::vector<float> one = random_image(shape), two = one, three = one;
  Random a(7), b(7), c(8);
  Affine{}(one, shape, a);
  Affine{}(two, shape, b);
  Affine{}(three, shape, c);
  CHECK(one == two);
  CHECK(one != three);
}

TEST_CASE("each option does what its name says") {
  // A bright bar in the middle column: its centre of mass tells shift, its lean tells rotation.
  const Shape shape = chw(1, 41, 41);
  const auto centre_of = [&](const std::vector<float>& pixels, int y0, int y1) {
    float sum = 0.0f, moment = 0.0f;
    for (int y = y0; y < y1; ++y)
      for (int x = 0; x < 41; ++x) {
        const float value = pixels[static_cast<std::size_t>(y * 41 + x)];
        sum += value;
        moment += value * static_cast<float>(x - 20);
      }
    return moment / sum;
  };
  std::vector<float> bar(shape.size(), 0.0f);
  for (std::size_t y = 0; y < 41; ++y) bar[y * 41 + 20] = 1.0f;
  float widest_shift = 0.0f, widest_lean = 0.0f;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    std::vector<float> moved = bar, turned = bar;
    Random a(seed), b(seed);
    Affine{.rotate = 0, .shift = 0.1f, .scale = 0, .shear = 0, .fill = 0.0f}(moved, shape, a);
    const float shift = centre_of(moved, 15, 26);
    CHECK(std::abs(shift) <= 4.1f + 1e-3f);
    widest_shift = std::max(widest_shift, std::abs(shift));
    Affine{.rotate = 10, .shift = 0, .scale = 0, .shear = 0, .fill = 0.0f}(turned, shape, b);
    const float lean = (centre_of(turned, 8, 13) - centre_of(turned, 28, 33)) / 20.0f;
    CHECK(std::abs(lean) <= std::tan(10.0f * 3.14159265f / 180.0f) + 5e-3f);
    widest_lean = std::max(widest_lean, std::abs(lean));
  }
  CHECK(widest_shift > 3.0f);
  CHECK(widest_lean > 0.12f);
}

TEST_CASE("maps that are not finite end in fill, not in a crash") {
  const Shape shape = chw(1, 5, 5);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30f}) {
    std::vector<float> pixels(25, 1.0f);
    resample(pixels, shape, AffineMap{.xx = bad, .xy = bad, .yx = bad, .yy = bad, .dx = bad, .dy = bad},
             2.0f);
    for (const float value : pixels) CHECK((value == 1.0f || value == 2.0f));
  }
}
