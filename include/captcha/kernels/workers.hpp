// A pool of threads that share out numbered tasks.
#pragma once

#include <captcha/config/compiled.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// Memory of one thread that the task at work may scribble on.
struct Workspace {
  static constexpr std::size_t bytes = std::size_t{1} << 21;  ///< about a second-level cache
  static constexpr std::align_val_t alignment{64};

  Workspace() : memory_(::operator new(bytes, alignment)) {}
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }

 private:
  struct Free {
    void operator()(void* memory) const { ::operator delete(memory, alignment); }
  };
  std::unique_ptr<void, Free> memory_;
};

/// Runs tasks 0 … count - 1 on a fixed set of threads, the caller's among them. How work is cut into tasks
/// never depends on the number of threads, and tasks write disjoint memory: so results do not either.
class Workers {
 public:
  /// `threads` counts the caller: 1 starts no thread and runs everything inline. std::system_error
  /// when the system does not give so many.
  explicit Workers(int threads = 1);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  int size() const { return static_cast<int>(threads_.size()) + 1; }

  /// Calls task(i), or task(i, workspace) with a workspace that is the thread's own, once for every i in
  /// [0, count) and returns when all are done. The exception of a task is rethrown here when the tasks under
  /// way have ended; those not yet begun may be left out then.
  /// Several callers may share a pool: they take turns. A task must not call run itself.
  template <class Task>
  void run(int count, Task&& task) {
    using Target = std::remove_reference_t<Task>;
    run_all(count, const_cast<void*>(static_cast<const void*>(std::addressof(task))),
            [](void* target, int i, const Workspace& workspace) {
              Target& call = *static_cast<Target*>(target);
              if constexpr (std::is_invocable_v<Target&, int, const Workspace&>)
                call(i, workspace);
              else
                call(i);
            });
  }

 private:
  using Call = void (*)(void*, int, const Workspace&);

  void end_threads();
  void run_all(int count, void* target, Call call);
  void announce();
  void serve(const Workspace& workspace);
  void work(const Workspace& workspace);

  const int spins_;  // looks at a value that shall change, before the thread sleeps
  std::vector<Workspace> workspaces_;
  std::vector<std::thread> threads_;
  std::mutex turn_;
  Call call_ = nullptr;
  void* target_ = nullptr;
  int count_ = 0;
  alignas(64) std::atomic<int> next_{0};
  alignas(64) std::atomic<int> busy_{0};
  alignas(64) std::atomic<unsigned> round_{0};
  std::atomic<bool> stop_{false};
  std::mutex error_guard_;
  std::exception_ptr error_;
};

#if CAPTCHA_DEFINED_HERE
/// Returns when the value may be another. The next round mostly begins within microseconds: falling asleep
/// and being woken would take longer.
template <class V>
void wait_while(const std::atomic<V>& value, V old, int spins) {
  for (int turn = 0; turn < spins; ++turn) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old, std::memory_order_acquire);
}

// Of more threads than processors, one that spins would keep another from its work.
CAPTCHA_INLINE Workers::Workers(int threads)
    : spins_(threads <= static_cast<int>(std::thread::hardware_concurrency()) ? 16000 : 0),
      workspaces_(static_cast<std::size_t>(std::max(threads, 1))) {
  try {
    for (std::size_t i = 1; i < workspaces_.size(); ++i)
      threads_.emplace_back([this, i] { serve(workspaces_[i]); });
  } catch (const std::system_error& error) {
    const std::size_t got = threads_.size() + 1;
    end_threads();
    throw std::system_error(error.code(), "only " + std::to_string(got) + " of " + std::to_string(threads) +
                                              " threads could be started; ask for fewer");
  } catch (...) {
    end_threads();
    throw;
  }
}

CAPTCHA_INLINE Workers::~Workers() {
  end_threads();
}

CAPTCHA_INLINE void Workers::end_threads() {
  stop_.store(true, std::memory_order_relaxed);
  announce();
  for (auto& thread : threads_) thread.join();
}

CAPTCHA_INLINE void Workers::run_all(int count, void* target, Call call) {
  const std::lock_guard turn(turn_);
  if (threads_.empty() || count <= 1) {
    for (int i = 0; i < count; ++i) call(target, i, workspaces_.front());
    return;
  }
  call_ = call;
  target_ = target;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  announce();
  work(workspaces_.front());
  for (int left = busy_.load(std::memory_order_acquire); left != 0;
       left = busy_.load(std::memory_order_acquire))
    wait_while(busy_, left, spins_);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

CAPTCHA_INLINE void Workers::announce() {
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
}

CAPTCHA_INLINE void Workers::serve(const Workspace& workspace) {
  for (unsigned seen = 0;;) {
    wait_while(round_, seen, spins_);
    seen = round_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    work(workspace);
    if (busy_.fetch_sub(1, std::memory_order_release) == 1) busy_.notify_one();
  }
}

CAPTCHA_INLINE void Workers::work(const Workspace& workspace) {
  try {
    for (int i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
         i = next_.fetch_add(1, std::memory_order_relaxed))
      call_(target_, i, workspace);
  } catch (...) {
    const std::lock_guard lock(error_guard_);
    if (!error_) error_ = std::current_exception();
  }
}
#endif

/// The range [begin, end) of `items` that task `task` of `tasks` equal ones covers.
struct Slice {
  int begin;
  int end;
};
constexpr Slice slice_of(int items, int task, int tasks) {
  const auto at = [&](int t) { return static_cast<int>(static_cast<long long>(items) * t / tasks); };
  return {at(task), at(task + 1)};
}

}  // namespace captcha
