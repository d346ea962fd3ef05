// Views of pixels: axes, writing through, broadcasting, wrong sizes.
#include <captcha/core/xtensor.hpp>

#include "catch.hpp"

#include <numeric>
#include <span>
#include <vector>

using namespace captcha;

TEST_CASE("an image view has the axes channel, row, column") {
  std::vector<float> pixels(2 * 3 * 4);
  std::iota(pixels.begin(), pixels.end(), 0.0f);
  const auto view = image_view(std::span<const float>(pixels), chw(2, 3, 4));
  REQUIRE(view.dimension() == 3);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t h = 0; h < 3; ++h)
      for (std::size_t w = 0; w < 4; ++w) CHECK(view(c, h, w) == pixels[(c * 3 + h) * 4 + w]);

  auto writable = image_view(std::span<float>(pixels), chw(2, 3, 4));
  writable(1, 2, 3) = 99.0f;
  CHECK(pixels.back() == 99.0f);
  CHECK(view(1, 2, 3) == 99.0f);
  CHECK_THROWS_AS(image_view(std::span<const float>(pixels), chw(2, 3, 5)), Error);
}

TEST_CASE("a batch view shows [row][column][channel][sample] as (sample, channel, row, column)") {
  const Shape shape = chw(2, 3, 4);
  const std::size_t samples = 5;
  std::vector<float> memory(samples * shape.size());
  std::iota(memory.begin(), memory.end(), 0.0f);
  auto view = batch_view(memory.data(), shape, samples);
  CHECK(view.shape()[0] == samples);
  for (std::size_t n = 0; n < samples; ++n)
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t h = 0; h < 3; ++h)
        for (std::size_t w = 0; w < 4; ++w)
          CHECK(view(n, c, h, w) == memory[((h * 4 + w) * 2 + c) * samples + n]);
  view(4, 1, 2, 3) = -1.0f;
  CHECK(memory.back() == -1.0f);

  // Assignment from and to containers goes through the strides.
  const xt::xtensor<float, 4> copy = view;
  CHECK(copy(3, 1, 0, 2) == view(3, 1, 0, 2));
  xt::xtensor<float, 4> doubled = copy;
  for (float& value : doubled) value *= 2.0f;
  view = doubled;
  CHECK(memory[7] == 14.0f);
}

TEST_CASE("a batch of one sample broadcasts") {
  std::vector<float> one{1.0f, 2.0f, 3.0f}, many{10.0f, 11.0f, 20.0f, 21.0f, 30.0f, 31.0f};
  const auto single = batch_view(one.data(), chw(1, 1, 3), 1);
  const auto batch = batch_view(many.data(), chw(1, 1, 3), 2);
  const xt::xtensor<float, 4> sum = batch + single;
  CHECK(sum(0, 0, 0, 0) == 11.0f);
  CHECK(sum(1, 0, 0, 0) == 12.0f);
  CHECK(sum(0, 0, 0, 2) == 33.0f);
  CHECK(sum(1, 0, 0, 2) == 34.0f);
}
