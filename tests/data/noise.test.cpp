// Gaussian noise: distribution and determinism.
#include <captcha/data/noise.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace captcha;

TEST_CASE("the table holds the quantiles of the normal distribution") {
  const auto& table = normal_quantiles();
  double power = 0.0, fourth = 0.0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    CHECK(table[i] == -table[table.size() - 1 - i]);
    const double square = static_cast<double>(table[i]) * static_cast<double>(table[i]);
    power += square / 4096.0;
    fourth += square * square / 4096.0;
  }
  CHECK(std::is_sorted(table.begin(), table.end()));
  CHECK(power == Approx(1.0).epsilon(1e-5));
  CHECK(fourth == Approx(3.0).epsilon(0.01));
  CHECK(table[3993] == Approx(1.96).margin(0.01));  // 97.5 %
  CHECK(table[3446] == Approx(1.0).margin(0.005));  // 84.1 %
}

TEST_CASE("noise has mean 0, a standard deviation up to the given one and no memory") {
  std::vector<float> pixels(1001);
  double largest = 0.0, mean_of_deviations = 0.0, neighbours = 0.0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    std::fill(pixels.begin(), pixels.end(), 5.0f);
    Random random(seed);
    GaussianNoise{.deviation = 0.2f}(pixels, chw(1, 7, 143), random);
    double sum = 0.0, power = 0.0, product = 0.0;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const double value = static_cast<double>(pixels[i]) - 5.0;
      sum += value;
      power += value * value;
      if (i > 0) product += value * (static_cast<double>(pixels[i - 1]) - 5.0);
    }
    const double deviation = std::sqrt(power / 1001.0);
    CHECK(std::abs(sum / 1001.0) < 5.0 * deviation / std::sqrt(1001.0) + 1e-6);
    largest = std::max(largest, deviation);
    mean_of_deviations += deviation / 400.0;
    neighbours += product / power / 400.0;
  }
  CHECK(largest > 0.18);
  CHECK(largest < 0.22);
  CHECK(mean_of_deviations == Approx(0.1).margin(0.01));
  CHECK(std::abs(neighbours) < 0.01);
}

TEST_CASE("no noise leaves pixels alone; equal random numbers give equal bits") {
  std::vector<float> pixels(9, 0.5f), other = pixels;
  Random a(1);
  GaussianNoise{.deviation = 0.0f}(pixels, chw(1, 3, 3), a);
  CHECK(pixels == std::vector<float>(9, 0.5f));
  GaussianNoise{.probability = 0.0f}(pixels, chw(1, 3, 3), a);
  CHECK(pixels == std::vector<float>(9, 0.5f));
  Random c(2), d(2);
  GaussianNoise{}(pixels, chw(1, 3, 3), c);
  GaussianNoise{}(other, chw(1, 3, 3), d);
  CHECK(pixels == other);
  CHECK(pixels != std::vector<float>(9, 0.5f));
}
