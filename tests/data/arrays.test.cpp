// Data sets from arrays in memory.
#include <captcha/data/xtensor.hpp>

#include "catch.hpp"

#include <array>
#include <string>
#include <vector>

using namespace captcha;

TEST_CASE("an array of floats comes back as it is") {
  xt::xtensor<float, 4> inputs({3, 2, 2, 2});
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs.data()[i] = static_cast<float>(i);
  const auto data = arrays<chw(2, 2, 2)>(inputs, std::vector<float>{0.5f, 1.5f, 2.5f});
  REQUIRE(data.size() == 3);
  std::array<float, 8> pixels{};
  CHECK(data.get(1, pixels) == 1.5f);
  for (std::size_t i = 0; i < pixels.size(); ++i) CHECK(pixels[i] == static_cast<float>(8 + i));
  CHECK(data.target(2) == 2.5f);
}

TEST_CASE("8-bit numbers are divided by 255, targets may be an xtensor array") {
  xt::xtensor<std::uint8_t, 2> inputs({2, 3});
  inputs.fill(0);
  inputs(1, 0) = 255;
  inputs(1, 2) = 51;
  const xt::xtensor<int, 1> targets{0, 1};
  const auto data = arrays<flat(3)>(inputs, targets, {"no", "yes"});
  std::array<float, 3> pixels{};
  CHECK(data.get(1, pixels) == 1);
  CHECK(pixels[0] == Approx(1.0f));
  CHECK(pixels[1] == 0.0f);
  CHECK(pixels[2] == Approx(0.2f));
  CHECK(data.classes() == std::vector<std::string>{"no", "yes"});
}

TEST_CASE("a target may be anything copyable") {
  using Word = std::array<int, 5>;
  const ArrayDataset<flat(1), Word> data({0.0f, 1.0f}, {Word{1, 2, 3, 4, 5}, Word{5, 4, 3, 2, 1}});
  static_assert(std::same_as<Target<ArrayDataset<flat(1), Word>>, Word>);
  CHECK(data.target(1) == Word{5, 4, 3, 2, 1});
}

TEST_CASE("extents that do not fit are an error that names them") {
  const xt::xtensor<float, 4> inputs({3, 1, 4, 5});
  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH(arrays<chw(1, 5, 4)>(inputs, std::vector<int>{1, 2, 3}),
                    Contains("3 x 1 x 4 x 5") && Contains("N x 1 x 5 x 4"));
  CHECK_THROWS_WITH(arrays<flat(20)>(inputs, std::vector<int>{1, 2, 3}), Contains("N x 20"));
  CHECK_THROWS_WITH(arrays<chw(1, 4, 5)>(inputs, std::vector<int>{1, 2}),
                    Contains("60 values for 2 targets, expected 40"));
  CHECK_THROWS_WITH(arrays<chw(1, 4, 5)>(inputs, std::vector<int>{0, 1, 2}, {"a", "b"}),
                    Contains("target 2 of sample 2"));
  CHECK_THROWS_AS(arrays<chw(1, 4, 5)>(inputs, std::vector<int>{0, 1, -1}, {"a", "b"}), Error);
}
