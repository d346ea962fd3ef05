// Shapes as values and as text; compile-time names.
#include <captcha/core/name.hpp>
#include <captcha/core/shape.hpp>

#include "catch.hpp"

using namespace captcha;

TEST_CASE("a shape counts its values and tells an image from a vector") {
  STATIC_REQUIRE(chw(3, 5, 7).size() == 105);
  STATIC_REQUIRE(flat(20).size() == 20);
  STATIC_REQUIRE(flat(20) != chw(20, 1, 1));
  STATIC_REQUIRE(chw(1, 2, 3) != chw(1, 3, 2));
  CHECK(chw(65536, 65536, 2).size() == std::size_t{1} << 33);
}

TEST_CASE("shapes are printed as people write them") {
  CHECK(to_string(chw(1, 52, 32)) == "1 x 52 x 32");
  CHECK(to_string(flat(20)) == "20");
}

TEST_CASE("numbers as compile-time names") {
  STATIC_REQUIRE(number_name<0>().view() == "0");
  STATIC_REQUIRE(number_name<9>().view() == "9");
  STATIC_REQUIRE(number_name<10>().view() == "10");
  STATIC_REQUIRE(number_name<305>().view() == "305");
  STATIC_REQUIRE(Name("downsample").view() == "downsample");
}
