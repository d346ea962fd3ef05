#include <captcha/core/heads.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <vector>

using namespace captcha;

static_assert(head_count<std::array<int, 5>> == 5 && head_count<Mixed<std::array<float, 2>>> == 2);
static_assert(head_count<int> == 0 && head_count<Mixed<int>> == 0);
static_assert(ClassHeadsTarget<std::array<int, 1>> && ClassHeadsTarget<Mixed<std::array<int, 3>>>);
static_assert(HeadsTarget<std::array<float, 2>> && !ClassHeadsTarget<std::array<float, 2>>);

TEST_CASE("each head gets its own outputs and targets") {
  // Three heads of two features, for two samples: [feature][sample].
  const std::array<float, 12> values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const std::array<std::array<int, 3>, 2> targets{{{7, 8, 9}, {4, 5, 6}}};
  std::vector<std::size_t> seen;
  for_each_head(Outputs<const float>{values, 2}, std::span<const std::array<int, 3>>(targets),
                [&](std::size_t head, Outputs<const float> own, std::span<const int> labels) {
                  seen.push_back(head);
                  REQUIRE(own.features() == 2);
                  CHECK(own(0, 0) == static_cast<float>(4 * head));
                  CHECK(own(1, 1) == static_cast<float>(4 * head + 3));
                  REQUIRE(labels.size() == 2);
                  CHECK(labels[0] == static_cast<int>(7 + head));
                  CHECK(labels[1] == static_cast<int>(4 + head));
                });
  CHECK(seen == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("a blend of two arrays is a blend at each head") {
  const Mixed<std::array<int, 2>> blend{{1, 2}, {3, 4}, 0.25f};
  const Mixed<int> second = head_target(blend, 1);
  CHECK(second.first == 2);
  CHECK(second.second == 4);
  CHECK(second.weight == 0.25f);
}

TEST_CASE("outputs that the heads cannot share evenly are an error that says so") {
  const std::array<float, 14> values{};
  CHECK_THROWS_WITH(
      head_outputs(Outputs<const float>{values, 2}, 0, 3),
      "heads: the network has 7 outputs, which 3 heads cannot share evenly; expected a multiple of 3");
}
