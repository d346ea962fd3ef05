#include <captcha/metric/heads.hpp>

#include "catch.hpp"

#include <array>
#include <limits>

using namespace captcha;

namespace {

using Pair = std::array<int, 2>;

// [feature][sample]: two heads of three classes, four samples.
const std::array<float, 24> values{0.1f, 2.0f, 0.0f, 1.0f,   // the first head: class 0
                                   0.9f, 1.0f, 0.0f, 3.0f,   // class 1
                                   0.5f, 0.0f, 0.0f, 2.0f,   // class 2
                                   5.0f, 0.0f, 1.0f, 0.0f,   // the second head: class 0
                                   0.0f, 5.0f, 1.0f, 0.0f,   // class 1
                                   0.0f, 0.0f, 1.0f, 5.0f};  // class 2
const Outputs<const float> outputs{values, 4};
// Both heads right; the second only; the first only, by order of ties; none.
const std::array<Pair, 4> targets{{{1, 0}, {1, 1}, {0, 2}, {0, 1}}};

}  // namespace

static_assert(Metric<ExactMatch, Pair> && Metric<ExactMatch, Mixed<Pair>> && !Metric<ExactMatch, int>);
static_assert(!Metric<ExactMatch, std::array<float, 2>>);
static_assert(Metric<OverHeads<Accuracy>, Pair> && !Metric<OverHeads<Accuracy>, std::array<float, 2>>);
static_assert(KeepsState<ExactMatch> && KeepsState<OverHeads<ConfusionMatrix>>);

TEST_CASE("an exact match needs every head") {
  ExactMatch match;
  CHECK(match.value() == 0.0);
  match.add(outputs, std::span<const Pair>(targets));
  CHECK(match.value() == 0.25);
  CHECK(match.name() == "exact_match");
  // One more of each kind but the wrong ones.
  match.add(Outputs<const float>{values, 4},
            std::span<const Pair>(std::array<Pair, 4>{{{1, 0}, {0, 1}, {0, 0}, {1, 2}}}));
  CHECK(match.value() == 5.0 / 8);
}

TEST_CASE("a metric over heads counts each prediction as a sample") {
  OverHeads<Accuracy> letters;
  letters.add(outputs, std::span<const Pair>(targets));
  CHECK(letters.value() == 4.0 / 8);
  CHECK(letters.name() == "accuracy_of_heads");
  OverHeads<TopK<2>> two;
  two.add(outputs, std::span<const Pair>(targets));
  // Among the first two: at the first head all samples but the last, at the second the first two.
  CHECK(two.value() == 5.0 / 8);
  OverHeads<ConfusionMatrix> confusion;
  confusion.add(outputs, std::span<const Pair>(targets));
  CHECK(confusion.metric().count(1, 0) == 1);
  CHECK(confusion.metric().count(1, 1) == 2);
  CHECK(confusion.metric().count(1, 2) == 1);
}

TEST_CASE("a blend of arrays counts as its heavier part, at every head") {
  const std::array<Mixed<Pair>, 4> blends{
      {{{1, 0}, {2, 2}, 0.7f}, {{2, 2}, {0, 1}, 0.3f}, {{0, 0}, {1, 1}, 0.5f}, {{0, 0}, {1, 2}, 0.4f}}};
  ExactMatch match;
  match.add(outputs, std::span<const Mixed<Pair>>(blends));
  CHECK(match.value() == 1.0);
}

TEST_CASE("not-a-number is never an exact match") {
  std::array<float, 4> broken{1, 0, 1, std::numeric_limits<float>::quiet_NaN()};
  const std::array<Pair, 1> target{{{0, 0}}};
  ExactMatch match;
  match.add(Outputs<const float>{broken, 1}, std::span<const Pair>(target));
  CHECK(match.value() == 0.0);
}

TEST_CASE("metrics over heads go on from their state") {
  ExactMatch match;
  OverHeads<Accuracy> letters;
  match.add(outputs, std::span<const Pair>(targets));
  letters.add(outputs, std::span<const Pair>(targets));
  ExactMatch match_again;
  OverHeads<Accuracy> letters_again;
  match_again.restore(match.state());
  letters_again.restore(letters.state());
  const std::array<Pair, 4> right{{{1, 0}, {0, 1}, {0, 0}, {1, 2}}};
  match_again.add(outputs, std::span<const Pair>(right));
  letters_again.add(outputs, std::span<const Pair>(right));
  CHECK(match_again.value() == 5.0 / 8);
  CHECK(letters_again.value() == 12.0 / 16);
}

TEST_CASE("classes outside a head's, and outputs that cannot be shared, are errors that say so") {
  const std::array<Pair, 4> beyond{{{1, 0}, {1, 3}, {0, 0}, {0, 0}}};
  ExactMatch match;
  OverHeads<Accuracy> letters;
  CHECK_THROWS_WITH(match.add(outputs, std::span<const Pair>(beyond)),
                    Catch::Contains("class 3, expected 0 to 2"));
  CHECK_THROWS_WITH(letters.add(outputs, std::span<const Pair>(beyond)),
                    Catch::Contains("class 3, expected 0 to 2"));
  const std::array<std::array<int, 4>, 4> four{};
  CHECK_THROWS_WITH(match.add(outputs, std::span<const std::array<int, 4>>(four)),
                    Catch::Contains("6 outputs, which 4 heads cannot share"));
}
