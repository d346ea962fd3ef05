// BFloat16: what a float is rounded to.
#include <captcha/kernels/bfloat16.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

using namespace captcha;

namespace {

float widened(std::uint32_t upper) {
  return std::bit_cast<float>(upper << 16);
}
float nudged(std::uint32_t upper, std::uint32_t lower) {
  return std::bit_cast<float>(upper << 16 | lower);
}

}  // namespace

TEST_CASE("every value that BFloat16 has stays as it is") {
  int kept = 0;
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    const float value = widened(upper);
    if (std::isnan(value)) {
      if (!std::isnan(static_cast<float>(BFloat16(value)))) FAIL_CHECK(upper);
    } else {
      kept += BFloat16(value).bits == upper;
    }
  }
  CHECK(kept == 0x10000 - 2 * 127);
}

TEST_CASE("a float is rounded to the nearest BFloat16, and to the even one of two") {
  STATIC_REQUIRE(BFloat16(1.0f).bits == 0x3F80);
  CHECK(BFloat16(nudged(0x3F80, 0x7FFF)).bits == 0x3F80);
  CHECK(BFloat16(nudged(0x3F80, 0x8000)).bits == 0x3F80);
  CHECK(BFloat16(nudged(0x3F80, 0x8001)).bits == 0x3F81);
  CHECK(BFloat16(nudged(0x3F81, 0x8000)).bits == 0x3F82);
  CHECK(BFloat16(nudged(0xBF81, 0x8000)).bits == 0xBF82);
  CHECK(BFloat16(nudged(0x3FFF, 0x8000)).bits == 0x4000);  // into the next power of two
  CHECK(BFloat16(nudged(0x0000, 0x8000)).bits == 0x0000);  // subnormal
  CHECK(BFloat16(nudged(0x8000, 0x8001)).bits == 0x8001);
  CHECK(BFloat16(-0.0f).bits == 0x8000);
  for (const float value : random_values<float>(10000, 1)) {
    const BFloat16 nearest(value);
    const auto distance = [&](int away) {
      const auto bits = static_cast<std::uint32_t>(nearest.bits + away);
      return std::abs(static_cast<double>(widened(bits)) - static_cast<double>(value));
    };
    if (distance(0) > distance(1) || distance(0) > distance(-1)) FAIL_CHECK(value);
  }
}

TEST_CASE("what is infinite, too large or not a number stays so as BFloat16") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(static_cast<float>(BFloat16(infinity)) == infinity);
  CHECK(static_cast<float>(BFloat16(-infinity)) == -infinity);
  CHECK(static_cast<float>(BFloat16(std::numeric_limits<float>::max())) == infinity);
  CHECK(BFloat16(nudged(0x7F7F, 0x7FFF)).bits == 0x7F7F);  // the largest that is rounded down
  // Not-a-number whose bits are all in the half that is left out, and those that rounding would carry out of.
  CHECK(std::isnan(static_cast<float>(BFloat16(nudged(0x7F80, 1)))));
  CHECK(std::isnan(static_cast<float>(BFloat16(nudged(0x7FFF, 0xFFFF)))));
  CHECK(std::isnan(static_cast<float>(BFloat16(nudged(0xFFFF, 0xFFFF)))));
}
