// The loader: order, equal bits for any number of threads, resuming, failures, ending early.
#include <captcha/data/arrays.hpp>
#include <captcha/data/augment.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/data/mixup.hpp>
#include <captcha/data/subset.hpp>
#include <captcha/data/xtensor.hpp>

#include "catch.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape small = chw(1, 9, 7);

auto images(std::size_t count) {
  Random random(1);
  std::vector<float> inputs(count * small.size());
  for (float& value : inputs) value = random.uniform();
  std::vector<int> targets(count);
  for (std::size_t i = 0; i < count; ++i) targets[i] = static_cast<int>(i * 7 % 10);
  return ArrayDataset<small, int>(inputs, targets);
}
auto noisy(std::size_t count) {
  return map(images(count), Augment{Affine{}, GaussianNoise{}, RandomErasing{}});
}

/// What a consumer sees of an epoch.
struct Seen {
  std::vector<std::vector<float>> inputs;
  std::vector<std::vector<int>> targets;
  std::vector<std::vector<std::size_t>> indices;
  bool operator==(const Seen&) const = default;
};
Seen walk(auto&& epoch) {
  Seen seen;
  for (const auto& batch : epoch) {
    seen.inputs.emplace_back(batch.inputs().begin(), batch.inputs().end());
    seen.targets.emplace_back(batch.targets().begin(), batch.targets().end());
    seen.indices.emplace_back(batch.indices().begin(), batch.indices().end());
  }
  return seen;
}

/// Fails for one sample.
struct Failing {
  static constexpr Shape shape = flat(1);
  std::size_t bad;
  std::size_t size() const { return 40; }
  int get(std::size_t index, std::span<float> pixels) const {
    if (index == bad) throw Error("cut short");
    pixels[0] = static_cast<float>(index);
    return static_cast<int>(index);
  }
  std::string name(std::size_t index) const { return "x_" + std::to_string(index) + ".png"; }
};

}  // namespace

TEST_CASE("without shuffling the batches follow the data set, the last one may be short") {
  const auto data = images(21);
  const Loader loader(data, {.batch_size = 8, .threads = 0});
  REQUIRE(loader.batches_per_epoch() == 3);
  std::size_t next = 0, batches = 0;
  for (const auto& batch : loader.epoch(0)) {
    CHECK(batch.size() == (batches == 2 ? 5 : 8));
    const auto view = batch_view(batch);
    for (std::size_t n = 0; n < batch.size(); ++n, ++next) {
      CHECK(batch.indices()[n] == next);
      CHECK(batch.targets()[n] == data.target(next));
      std::vector<float> pixels(small.size());
      data.get(next, pixels);
      bool same = true;
      for (std::size_t h = 0; h < 9; ++h)
        for (std::size_t w = 0; w < 7; ++w) same = same && view(n, 0, h, w) == pixels[h * 7 + w];
      CHECK(same);
    }
    ++batches;
  }
  CHECK(next == 21);
  CHECK(batches == 3);
  CHECK(Loader(data, {.batch_size = 8, .drop_last = true}).batches_per_epoch() == 2);
  CHECK(walk(Loader(data, {.batch_size = 8, .drop_last = true}).epoch(0)).indices.size() == 2);
  CHECK(walk(Loader(data, {.batch_size = 100}).epoch(0)).indices.size() == 1);
  CHECK(walk(Loader(take(data, 0), {.threads = 2}).epoch(0)).indices.empty());
}

TEST_CASE("the number of threads and of batches ahead change no bit") {
  const auto data = noisy(103);
  const Seen inline_run =
      walk(Loader(data, {.batch_size = 16, .shuffle = true, .seed = 5, .threads = 0}).epoch(3));
  REQUIRE(inline_run.inputs.size() == 7);
  for (const int threads : {1, 2, 3, 16})
    for (const std::size_t prefetch : {0u, 1u, 2u, 20u}) {
      const Loader loader(
          data, {.batch_size = 16, .shuffle = true, .seed = 5, .threads = threads, .prefetch = prefetch});
      CHECK(walk(loader.epoch(3)) == inline_run);
    }
}

TEST_CASE("shuffled epochs are permutations, each its own, repeatable in any order") {
  const auto data = noisy(50);
  const Loader loader(data, {.batch_size = 16, .shuffle = true, .seed = 6, .threads = 2});
  const Seen first = walk(loader.epoch(0)), second = walk(loader.epoch(1));
  CHECK(first.indices != second.indices);
  CHECK(walk(loader.epoch(0)) == first);
  for (const Seen& seen : {first, second}) {
    std::set<std::size_t> all;
    for (const auto& indices : seen.indices) all.insert(indices.begin(), indices.end());
    CHECK(all.size() == 50);
  }
  CHECK(walk(Loader(data, {.batch_size = 16, .shuffle = true, .seed = 7}).epoch(0)).indices != first.indices);
}

TEST_CASE("the random numbers of a sample depend on the epoch, not on its place in it") {
  const auto data = noisy(32);
  const Seen ordered = walk(Loader(data, {.batch_size = 32, .seed = 8}).epoch(2));
  const Seen other = walk(Loader(data, {.batch_size = 32, .seed = 8}).epoch(3));
  const Seen shuffled = walk(Loader(data, {.batch_size = 32, .shuffle = true, .seed = 8}).epoch(2));
  CHECK(ordered.inputs != other.inputs);
  for (std::size_t n = 0; n < 32; ++n) {
    const std::size_t index = shuffled.indices[0][n];
    for (std::size_t pixel = 0; pixel < small.size(); ++pixel)
      REQUIRE(shuffled.inputs[0][pixel * 32 + n] == ordered.inputs[0][pixel * 32 + index]);
  }
}

TEST_CASE("an epoch that starts in the middle is the tail of the whole") {
  const auto data = mixup(noisy(70), {.alpha = 1.0});
  const auto run = [&](std::size_t first, int threads) {
    std::vector<std::vector<float>> inputs;
    const Loader loader(data, {.batch_size = 16, .shuffle = true, .seed = 9, .threads = threads});
    for (const auto& batch : loader.epoch(4, first))
      inputs.emplace_back(batch.inputs().begin(), batch.inputs().end());
    return inputs;
  };
  const auto whole = run(0, 2);
  REQUIRE(whole.size() == 5);
  for (std::size_t first = 0; first <= 5; ++first)
    for (const int threads : {0, 2}) {
      const auto tail = run(first, threads);
      CHECK(tail == std::vector(whole.begin() + static_cast<std::ptrdiff_t>(first), whole.end()));
    }
  CHECK_THROWS_WITH(run(6, 1), Catch::Matchers::Contains("batch 6 of an epoch of 5"));
}

TEST_CASE("an exception reaches the consumer with the sample's name, at its batch") {
  for (const int threads : {0, 1, 3}) {
    const Loader loader(Failing{25}, {.batch_size = 8, .threads = threads});
    std::size_t batches = 0;
    std::string message;
    try {
      for (const auto& batch : loader.epoch(0)) {
        CHECK(batch.size() == 8);
        ++batches;
      }
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(batches == 3);
    CHECK(message == "x_25.png: cut short");
    CHECK(walk(loader.epoch(0, 4)).indices.size() == 1);  // the loader still works
    CHECK_THROWS_AS(walk(loader.epoch(0, 3)), Error);
  }
}

TEST_CASE("an epoch may be left at any moment") {
  const auto data = noisy(200);
  for (const int threads : {0, 1, 3})
    for (std::size_t stop = 0; stop < 14; ++stop) {
      const Loader loader(data, {.batch_size = 16, .threads = threads, .prefetch = 3});
      auto epoch = loader.epoch(0);
      std::size_t batches = 0;
      if (stop > 0)
        for (const auto& batch : epoch) {
          CHECK(batch.size() > 0);
          if (++batches == stop) break;
        }
    }
  auto orphan =
      std::make_unique<Loader<ArrayDataset<small, int>>>(images(40), LoaderOptions{.batch_size = 8});
  auto epoch = orphan->epoch(0);
  orphan.reset();  // the epoch keeps what it needs
  CHECK(walk(epoch).indices.size() == 5);
}

TEST_CASE("memory is kept from epoch to epoch, two epochs at once do not share it") {
  const auto data = images(100);
  const Loader loader(data, {.batch_size = 10, .threads = 2, .prefetch = 2});
  std::set<const float*> places;
  for (std::uint64_t number = 0; number < 5; ++number)
    for (const auto& batch : loader.epoch(number)) places.insert(batch.inputs().data());
  CHECK(places.size() == 3);  // the batch in use and two ahead

  auto one = loader.epoch(0), two = loader.epoch(0);
  auto first = one.begin(), second = two.begin();
  for (; first != one.end() && second != two.end(); ++first, ++second) {
    CHECK(first->inputs().data() != second->inputs().data());
    CHECK(std::ranges::equal(first->inputs(), second->inputs()));
  }
  CHECK((first == one.end() && second == two.end()));
}

TEST_CASE("options that make no sense are an error") {
  CHECK_THROWS_WITH(Loader(images(3), {.batch_size = 0}), Catch::Matchers::Contains("batch_size is 0"));
  CHECK_THROWS_WITH(Loader(images(3), {.threads = -1}), Catch::Matchers::Contains("threads is -1"));
}
