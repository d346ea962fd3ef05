// Gaussian blur against its definition.
#include <captcha/data/blur.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace captcha;

TEST_CASE("an impulse becomes the Gaussian itself") {
  for (const float sigma : {1.0f, 2.0f, 3.0f}) {
    const int side = 41, middle = 20;
    std::vector<float> pixels(static_cast<std::size_t>(side * side), 0.0f);
    pixels[static_cast<std::size_t>(middle * side + middle)] = 1.0f;
    GaussianBlur::blur(pixels, chw(1, side, side), sigma);
    double sum = 0.0, spread = 0.0;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const float value = pixels[static_cast<std::size_t>(y * side + x)];
        CHECK(value == Approx(pixels[static_cast<std::size_t>(x * side + y)]).margin(1e-7));
        sum += static_cast<double>(value);
        spread += static_cast<double>(value) * (x - middle) * (x - middle);
      }
    CHECK(sum == Approx(1.0).epsilon(1e-5));
    CHECK(std::sqrt(spread) == Approx(static_cast<double>(sigma)).epsilon(0.03));
    const float next = pixels[static_cast<std::size_t>(middle * side + middle + 1)];
    const float peak = pixels[static_cast<std::size_t>(middle * side + middle)];
    CHECK(next / peak == Approx(std::exp(-0.5f / (sigma * sigma))).epsilon(1e-4));
  }
}

TEST_CASE("a constant stays constant, whatever the shape, and channels do not mix") {
  for (const Shape shape : {chw(2, 52, 32), chw(2, 1, 3), chw(2, 1, 1)}) {
    std::vector<float> pixels(shape.size(), 0.25f);
    std::fill_n(pixels.begin(), shape.size() / 2, 0.75f);
    GaussianBlur::blur(pixels, shape, 5.0f);
    for (std::size_t i = 0; i < pixels.size(); ++i)
      CHECK(pixels[i] == Approx(i < shape.size() / 2 ? 0.75 : 0.25).epsilon(1e-5));
  }
}

TEST_CASE("no blur changes no bit, too much is limited, the range is kept") {
  Random random(1);
  std::vector<float> pixels(20 * 30);
  for (float& value : pixels) value = random.uniform();
  std::vector<float> same = pixels, most = pixels, beyond = pixels;
  GaussianBlur::blur(same, chw(1, 20, 30), 0.0f);
  GaussianBlur{.probability = 0.0f}(same, chw(1, 20, 30), random);
  GaussianBlur{.sigma = 0.0f, .probability = 1.0f}(same, chw(1, 20, 30), random);
  CHECK(same == pixels);
  GaussianBlur::blur(most, chw(1, 20, 30), 5.0f);
  GaussianBlur::blur(beyond, chw(1, 20, 30), 500.0f);
  CHECK(most == beyond);
  CHECK(*std::max_element(most.begin(), most.end()) < *std::max_element(pixels.begin(), pixels.end()));
  CHECK(*std::min_element(most.begin(), most.end()) > *std::min_element(pixels.begin(), pixels.end()));
}
