// concat: data sets one after the other.
#include <captcha/data/arrays.hpp>
#include <captcha/data/concat.hpp>
#include <captcha/data/subset.hpp>

#include "catch.hpp"

#include <array>
#include <string>
#include <vector>

using namespace captcha;

namespace {
using Numbers = ArrayDataset<flat(1), int>;
struct Nameless {
  static constexpr Shape shape = flat(1);
  std::size_t size() const { return 1; }
  int get(std::size_t, std::span<float> pixels) const { return static_cast<int>(pixels[0] = 9.0f); }
};
}  // namespace

TEST_CASE("concat has the samples of all, in order") {
  const Numbers a({1.0f, 2.0f}, {1, 2}), b({3.0f}, {3});
  const auto all = concat(a, b, Numbers({4.0f, 5.0f}, {4, 5}));
  REQUIRE(all.size() == 5);
  std::array<float, 1> pixel{};
  Random random(0);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(all.get(i, pixel, random) == static_cast<int>(i) + 1);
    CHECK(pixel[0] == static_cast<float>(i + 1));
    CHECK(all.target(i) == static_cast<int>(i) + 1);
  }
  CHECK(concat(take(a, 1), take(b, 0)).size() == 1);
}

TEST_CASE("a refinement needs both, class names must agree") {
  using Both = decltype(concat(Numbers({}, {}), Numbers({}, {})));
  using Mixed = decltype(concat(subset(Nameless{}, {}), subset(Nameless{}, {})));
  static_assert(HasTarget<Both> && HasClasses<Both> && !HasName<Both>);
  static_assert(Dataset<Mixed> && !HasTarget<Mixed>);
  const Numbers ab({}, {}, {"a", "b"}), ac({}, {}, {"a", "c"});
  CHECK(concat(ab, ab).classes() == std::vector<std::string>{"a", "b"});
  CHECK_THROWS_WITH(concat(ab, ac), Catch::Matchers::Contains("different classes"));
}
