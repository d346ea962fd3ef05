// How views hold data sets and pass on what these know.
#include <captcha/data/arrays.hpp>
#include <captcha/data/map.hpp>
#include <captcha/data/subset.hpp>

#include "catch.hpp"

#include <array>
#include <string>
#include <vector>

using namespace captcha;

namespace {

using Numbers = ArrayDataset<flat(1), int>;

Numbers numbers(int count) {
  std::vector<float> inputs;
  std::vector<int> targets;
  std::vector<std::string> classes;
  for (int i = 0; i < count; ++i) {
    inputs.push_back(static_cast<float>(i));
    targets.push_back(i);
    classes.push_back("class " + std::to_string(i));
  }
  return {inputs, targets, classes};
}

/// Counts how often it is copied.
struct Counted {
  static constexpr Shape shape = flat(1);
  int* copies;
  explicit Counted(int* count) : copies(count) {}
  Counted(const Counted& other) : copies(other.copies) { ++*copies; }
  Counted(Counted&&) = default;
  std::size_t size() const { return 4; }
  int get(std::size_t index, std::span<float>) const { return static_cast<int>(index); }
  std::string group(std::size_t index) const { return index < 2 ? "low" : "high"; }
};

auto local_view() {
  const auto inner = take(numbers(10), 5);
  return subset(inner, {4, 2});  // `inner` ends here; the view has its own copy
}

}  // namespace

TEST_CASE("a variable is referred to, a temporary is moved in, a view is copied") {
  int copies = 0;
  const Counted data(&copies);
  const auto view = take(data, 3);
  const auto deeper = shuffle(view, 1);
  const auto moved = take(Counted(&copies), 3);
  CHECK(copies == 0);
  CHECK(deeper.size() == 3);
  CHECK(moved.group(2) == "high");
  CHECK(local_view().target(0) == 4);
}

TEST_CASE("refinements follow the samples; those a data set lacks, its views lack") {
  const auto view = subset(numbers(10), {7, 3});
  static_assert(HasTarget<decltype(numbers(1))> && HasClasses<decltype(numbers(1))>);
  using V = std::remove_const_t<decltype(view)>;
  static_assert(Dataset<V> && HasTarget<V> && HasClasses<V> && !HasName<V> && !HasGroup<V>);
  static_assert(HasGroup<Subset<Counted>> && !HasTarget<Subset<Counted>> && !HasClasses<Subset<Counted>>);
  CHECK(view.target(0) == 7);
  CHECK(view.target(1) == 3);
  CHECK(view.classes().size() == 10);

  const auto same = map(view, [](std::span<float> pixels, Shape, Random&) { pixels[0] += 0.5f; });
  CHECK(same.target(1) == 3);
  Random random(0);
  std::array<float, 1> pixel{};
  CHECK(same.get(1, pixel, random) == 3);
  CHECK(pixel[0] == 3.5f);
}
