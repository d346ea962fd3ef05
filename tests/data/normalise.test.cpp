// Normalisation, on made-up images and on real ones.
#include <captcha/data/folder.hpp>
#include <captcha/data/map.hpp>
#include <captcha/data/normalise.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <vector>

using namespace captcha;

namespace {

double mean(const std::vector<float>& pixels) {
  double sum = 0.0;
  for (const float value : pixels) sum += static_cast<double>(value);
  return sum / static_cast<double>(pixels.size());
}
double deviation(const std::vector<float>& pixels) {
  double power = 0.0;
  for (const float value : pixels) power += std::pow(static_cast<double>(value) - mean(pixels), 2.0);
  return std::sqrt(power / static_cast<double>(pixels.size()));
}
std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

}  // namespace

TEST_CASE("standardise gives mean 0 and standard deviation 1, however dark or bright the image") {
  Random random(1);
  for (const float scale : {1.0f / 255.0f, 1.0f, 1000.0f})
    for (const float density : {0.001f, 0.5f}) {
      std::vector<float> pixels(52 * 32, 0.0f);
      for (float& value : pixels) value = random.coin(density) ? scale : 0.0f;
      pixels[5] = scale;
      Standardise{}(pixels, chw(1, 52, 32), random);
      CHECK(mean(pixels) == Approx(0.0).margin(1e-4));
      CHECK(deviation(pixels) == Approx(1.0).epsilon(1e-3));
    }
}

TEST_CASE("constant images become zero, never NaN") {
  Random random(1);
  for (const float level : {0.0f, 1.0f / 255.0f, 0.1f, 0.7f, 1.0f, 123.456f}) {
    std::vector<float> one(52 * 32, level), two = one;
    Standardise{}(one, chw(1, 52, 32), random);
    Stretch{}(two, chw(1, 52, 32), random);
    CHECK(one == std::vector<float>(52 * 32, 0.0f));
    CHECK(two == std::vector<float>(52 * 32, 0.0f));
  }
}

TEST_CASE("stretch maps the smallest to 0 and the largest to 1") {
  Random random(1);
  std::vector<float> pixels{3.0f, 5.0f, 4.0f, 3.0f};
  Stretch{}(pixels, flat(4), random);
  CHECK(pixels == std::vector<float>{0.0f, 1.0f, 0.5f, 0.0f});
}

TEST_CASE("fixed constants apply per channel") {
  Random random(1);
  std::vector<float> pixels{0.485f, 0.714f, 0.456f, 0.68f, 0.406f, 0.181f};
  imagenet_normalise(pixels, chw(3, 1, 2), random);
  const std::vector<double> expected{0.0, 1.0, 0.0, 1.0, 0.0, -1.0};
  for (std::size_t i = 0; i < 6; ++i) CHECK(pixels[i] == Approx(expected[i]).margin(1e-5));
  std::vector<float> one{3.0f};
  Normalise<1>{{1.0f}, {2.0f}}(one, flat(1), random);
  CHECK(one[0] == 1.0f);
  CHECK_THROWS_WITH(imagenet_normalise(pixels, chw(1, 2, 3), random), Catch::Matchers::Contains("1 x 2 x 3"));
}

TEST_CASE("every real character, the nearly black ones included, comes out with mean 0 and deviation 1") {
  const std::filesystem::path folder = shared_folder() / "data" / "captcha_characters";
  if (!std::filesystem::exists(folder)) {
    WARN("no captcha_characters (set CAPTCHA_SHARED): skipped");
    return;
  }
  const ImageFolder<chw(1, 52, 32)> images(folder);
  WARN("captcha_characters: " << images.size() << " images");
  const auto standardised = map(images, Standardise{});
  const auto stretched = map(images, Stretch{});
  std::vector<float> pixels(52 * 32);
  int nearly_black = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    Random random(1);
    images.get(i, pixels);
    nearly_black += *std::max_element(pixels.begin(), pixels.end()) < 1.5f / 255.0f;
    standardised.get(i, pixels, random);
    REQUIRE(mean(pixels) == Approx(0.0).margin(1e-4));
    REQUIRE(deviation(pixels) == Approx(1.0).epsilon(1e-3));
    stretched.get(i, pixels, random);
    const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
    REQUIRE((*low == 0.0f && *high == 1.0f));
  }
  CHECK(nearly_black == 18);
}
