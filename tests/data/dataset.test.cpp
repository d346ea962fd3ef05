// The concept of a data set: what is one, what is not, and which refinements are found.
#include <captcha/data/arrays.hpp>
#include <captcha/data/dataset.hpp>

#include "catch.hpp"

#include <array>
#include <string>
#include <thread>
#include <vector>

using namespace captcha;

namespace {

struct Plain {
  static constexpr Shape shape = flat(2);
  std::size_t size() const { return 3; }
  float get(std::size_t index, std::span<float> pixels) const {
    pixels[0] = static_cast<float>(index);
    pixels[1] = -pixels[0];
    return 0.5f * pixels[0];
  }
};
struct Noisy {
  static constexpr Shape shape = chw(1, 1, 1);
  std::size_t size() const { return 10; }
  std::array<int, 2> get(std::size_t index, std::span<float> pixels, Random& random) const {
    pixels[0] = random.uniform();
    return {static_cast<int>(index), 7};
  }
  std::string name(std::size_t index) const { return "record " + std::to_string(index); }
};
struct NoSize {
  static constexpr Shape shape = flat(2);
  int get(std::size_t, std::span<float>) const { return shape.channels; }
};
struct ShapeAtRunTime {
  Shape shape = flat(2);
  std::size_t size() const { return 0; }
  int get(std::size_t, std::span<float>) const { return 0; }
};
struct MutableGet {
  static constexpr Shape shape = flat(2);
  std::size_t size() const { return 0; }
  int get(std::size_t, std::span<float>) { return shape.channels; }
};
struct EmptyShape {
  static constexpr Shape shape = flat(0);
  std::size_t size() const { return 0; }
  int get(std::size_t, std::span<float>) const { return 0; }
};

static_assert(Dataset<Plain> && FixedGet<Plain> && !RandomGet<Plain>);
static_assert(Dataset<Noisy> && RandomGet<Noisy> && HasName<Noisy> && !HasName<Plain>);
static_assert(!Dataset<NoSize> && !Dataset<ShapeAtRunTime> && !Dataset<MutableGet> && !Dataset<EmptyShape>);
static_assert(!Dataset<int> && !Dataset<std::vector<float>>);
static_assert(std::same_as<Target<Plain>, float> && std::same_as<Target<Noisy>, std::array<int, 2>>);
static_assert(!HasTarget<Plain> && !HasClasses<Plain> && !HasGroup<Plain>);
static_assert(HasTarget<ArrayDataset<flat(2), int>> && HasClasses<ArrayDataset<flat(2), int>>);

}  // namespace

TEST_CASE("fetch calls whichever get a data set has") {
  Random random(1);
  std::array<float, 2> pixels{};
  CHECK(fetch(Plain{}, 2, pixels, random) == 1.0f);
  CHECK(pixels == std::array<float, 2>{2.0f, -2.0f});

  std::array<float, 1> first{}, second{};
  Random same(1);
  CHECK(fetch(Noisy{}, 4, first, random) == std::array<int, 2>{4, 7});
  CHECK(fetch(Noisy{}, 4, second, same) == std::array<int, 2>{4, 7});
  CHECK(first == second);  // Plain drew nothing from `random`
}

TEST_CASE("target_of makes the input only where there is no cheaper way") {
  CHECK(target_of(Plain{}, 2) == 1.0f);
  struct Cheap : Plain {
    float target(std::size_t) const { return 42.0f; }
  };
  static_assert(HasTarget<Cheap>);
  CHECK(target_of(Cheap{}, 2) == 42.0f);
}

TEST_CASE("a sample without a name gets its number") {
  CHECK(name_of(Noisy{}, 3) == "record 3");
  CHECK(name_of(Plain{}, 3) == "sample 3");
}

TEST_CASE("a thread buffer is kept, belongs to its tag and to its thread") {
  struct One;
  struct Two;
  float* const first = thread_buffer<One>(10).data();
  CHECK(thread_buffer<One>(7).data() == first);
  CHECK(thread_buffer<One>(7).size() == 7);
  CHECK(thread_buffer<Two>(10).data() != first);
  float* other = nullptr;
  std::thread([&] { other = thread_buffer<One>(10).data(); }).join();
  CHECK(other != first);
}
