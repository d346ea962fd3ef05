// The pool of threads: every task once, whatever the counts; exceptions; many rounds; several callers.
#include <captcha/kernels/workers.hpp>

#include "catch.hpp"
#include "sanitizer.hpp"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace captcha;

TEST_CASE("every task runs once, for counts below and above the number of threads") {
  for (const int threads : {1, 2, 3, 4, 7}) {
    Workers workers(threads);
    CHECK(workers.size() == threads);
    for (const int count : {0, 1, 2, 3, 6, 7, 8, 1000}) {
      std::vector<std::atomic<int>> times(static_cast<std::size_t>(count));
      workers.run(count, [&](int task) { ++times[static_cast<std::size_t>(task)]; });
      for (const auto& time : times) CHECK(time == 1);
    }
  }
}

TEST_CASE("a pool survives many short rounds, and what tasks wrote is seen afterwards") {
  Workers workers(4);
  std::vector<long> values(5);
  for (int round = 0; round < 20000; ++round)
    workers.run(5,
                [&](int task) { values[static_cast<std::size_t>(task)] += task; });  // not atomic on purpose
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == 20000 * static_cast<long>(i));
}

TEST_CASE("an exception of a task arrives at the caller, and the pool works on") {
  for (const int threads : {1, 2, 5}) {
    Workers workers(threads);
    for (int round = 0; round < 50; ++round) {
      CHECK_THROWS_AS(workers.run(100,
                                  [&](int task) {
                                    if (task == round) throw std::runtime_error("task");
                                  }),
                      std::runtime_error);
      CHECK_THROWS_AS(workers.run(8, [](int) { throw std::logic_error("all of them"); }), std::logic_error);
      std::atomic<int> done{0};
      workers.run(100, [&](int) { ++done; });
      CHECK(done == 100);
    }
  }
}

TEST_CASE("several callers share a pool") {
  Workers workers(3);
  std::vector<std::thread> callers;
  std::atomic<int> sum{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        int mine = 0;
        std::atomic<int> count{0};
        workers.run(7, [&](int task) { count += task; });
        mine = count;
        sum += mine == 21 ? 1 : 0;
      }
    });
  for (auto& caller : callers) caller.join();
  CHECK(sum == 2000);
}

TEST_CASE("slices cover everything once and differ by at most one") {
  for (const int items : {0, 1, 5, 64, 131})
    for (const int tasks : {1, 2, 3, 64, 200}) {
      int next = 0;
      for (int task = 0; task < tasks; ++task) {
        const Slice slice = slice_of(items, task, tasks);
        CHECK(slice.begin == next);
        CHECK((slice.end - slice.begin == items / tasks || slice.end - slice.begin == items / tasks + 1));
        next = slice.end;
      }
      CHECK(next == items);
    }
}

TEST_CASE("threads that the system does not give are an error, and those begun end") {
  if (sanitized) return;  // whose own memory does not fit the limit
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Room for the workspaces of all threads, not for their stacks.
    const rlimit room{std::size_t{3} << 30, std::size_t{3} << 30};
    ::setrlimit(RLIMIT_AS, &room);
    int code = 1;
    try {
      const Workers many(900);
    } catch (const std::system_error& error) {
      code = std::string(error.what()).find(" of 900 threads could be started") != std::string::npos ? 0 : 2;
    } catch (...) {
      code = 3;
    }
    ::_exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
