// The batcher: what arrives together is worked off together, nothing is lost, and nothing waits too long.
#include "batcher.hpp"

#include "catch.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <set>

using namespace captcha::app;
using namespace std::chrono_literals;

namespace {

/// Holds the thread of a batcher until told to go on.
class Gate {
 public:
  void wait() { opened_.wait(); }
  void open() { promise_.set_value(); }

 private:
  std::promise<void> promise_{};
  std::shared_future<void> opened_ = promise_.get_future().share();
};

}  // namespace

TEST_CASE("items that come while the thread works become one batch, of at most as many as allowed") {
  Gate gate;
  std::promise<void> begun;
  std::vector<std::vector<int>> batches;
  Batcher<int> batcher({.batch = 4, .wait = 0us, .queue = 100}, [&](std::span<int> items) {
    batches.emplace_back(items.begin(), items.end());
    if (batches.size() == 1) {
      begun.set_value();
      gate.wait();
    }
  });
  REQUIRE(batcher.push({0}));
  begun.get_future().wait();
  for (int i = 1; i <= 6; ++i) REQUIRE(batcher.push({i}));
  CHECK(batcher.waiting() == 6);
  gate.open();
  batcher.stop();
  CHECK(batches == std::vector<std::vector<int>>{{0}, {1, 2, 3, 4}, {5, 6}});
}

TEST_CASE("a batch that is full does not wait, one that is not waits for its time") {
  std::promise<std::size_t> first;
  std::atomic<int> calls = 0;
  Batcher<int> patient({.batch = 3, .wait = 1h, .queue = 10}, [&](std::span<int> items) {
    if (calls++ == 0) first.set_value(items.size());
  });
  const auto taken = first.get_future();
  REQUIRE(patient.push({1}));
  REQUIRE(patient.push({2}));
  CHECK(taken.wait_for(20ms) == std::future_status::timeout);
  REQUIRE(patient.push({3}));
  REQUIRE(taken.wait_for(10s) == std::future_status::ready);
  REQUIRE(patient.push({4}));
  patient.stop();  // which does not wait for others either
  CHECK(calls == 2);

  std::promise<std::size_t> alone;
  Batcher<int> hasty({.batch = 3, .wait = 5ms, .queue = 10},
                     [&](std::span<int> items) { alone.set_value(items.size()); });
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(hasty.push({1}));
  CHECK(alone.get_future().get() == 1);
  CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
}

TEST_CASE("a queue that is full takes all of several items or none, and a stopped one nothing") {
  Gate gate;
  std::promise<void> begun;
  std::atomic<int> sum = 0;
  Batcher<int> batcher({.batch = 1, .wait = 0us, .queue = 3}, [&](std::span<int> items) {
    if (sum == 0) {
      begun.set_value();
      gate.wait();
    }
    sum += items[0];
  });
  REQUIRE(batcher.push({1}));
  begun.get_future().wait();
  CHECK(batcher.push({10, 10}));
  CHECK_FALSE(batcher.push({100, 100}));
  CHECK(batcher.push({10}));
  CHECK_FALSE(batcher.push({100}));
  gate.open();
  batcher.stop();
  CHECK(sum == 31);
  CHECK_FALSE(batcher.push({1}));
}

TEST_CASE("from many threads each item is worked off once") {
  std::multiset<int> seen;
  {
    Batcher<int> batcher({.batch = 7, .wait = 100us, .queue = 100000},
                         [&](std::span<int> items) { seen.insert(items.begin(), items.end()); });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&batcher, t] {
        for (int i = 0; i < 500; ++i) batcher.push({1000 * t + i});
      });
    for (std::thread& thread : threads) thread.join();
  }
  REQUIRE(seen.size() == 2000);
  CHECK(std::set<int>(seen.begin(), seen.end()).size() == 2000);
}
