// One epoch of a loader: its batches in order, and the threads that prepare them.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/data/batch.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace captcha {

struct LoaderOptions {
  std::size_t batch_size = 64;
  bool shuffle = false;      ///< a new order in every epoch
  std::uint64_t seed = 0;    ///< of the order and of the random numbers the data set draws
  int threads = 1;           ///< that prepare batches; 0: the consumer prepares each when it asks for it
  bool drop_last = false;    ///< leave out a last batch that is not full
  std::size_t prefetch = 2;  ///< batches prepared ahead of the one in use
};

/// One epoch under way: who prepares which batch, and where. The data set is known by `fetch` alone, so that
/// all with targets of one type share this code.
template <class Target>
class LoaderRun {
 public:
  using Batch = captcha::Batch<float, Target>;
  /// Writes sample `index` and returns its target.
  using Fetch = std::function<Target(std::size_t index, std::span<float> pixels, Random& random)>;

  struct Slot {
    Batch batch;
    bool ready = false;
    std::exception_ptr error{};
  };
  /// The memory of an epoch, handed on to the next.
  struct Ring {
    std::vector<Slot> slots;
    std::vector<std::vector<float>> staging;  // one a thread
    std::vector<std::size_t> order;
  };
  /// What the epochs of a loader have in common.
  struct Shared {
    Fetch fetch;
    Shape shape;
    std::size_t samples;
    LoaderOptions options;
    std::mutex mutex{};
    std::unique_ptr<Ring> spare{};

    Shared(Fetch f, Shape s, std::size_t n, LoaderOptions o)
        : fetch(std::move(f)), shape(s), samples(n), options(o) {}
  };

  LoaderRun(std::shared_ptr<Shared> shared, std::uint64_t epoch, std::size_t first, std::size_t end);
  LoaderRun(const LoaderRun&) = delete;
  LoaderRun& operator=(const LoaderRun&) = delete;
  ~LoaderRun();

  void start_threads();
  bool done() const { return current_ == end_; }
  /// Waits for the current batch (or prepares it); rethrows what went wrong with it.
  void await();
  /// Gives the current batch back to the threads and goes on to the next.
  void advance();
  const Batch& batch() const { return ring_->slots[current_ % ring_->slots.size()].batch; }

 private:
  Slot& slot_of(std::size_t number) { return ring_->slots[number % ring_->slots.size()]; }
  void work(std::span<float> staging);
  void prepare(Slot& slot, std::size_t number, std::span<float> staging);

  std::shared_ptr<Shared> shared_;
  std::uint64_t epoch_;
  std::unique_ptr<Ring> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_;     // the next batch to prepare
  std::size_t current_;  // the batch in the consumer's hands
  std::size_t end_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

template <class Target>
LoaderRun<Target>::LoaderRun(std::shared_ptr<Shared> shared, std::uint64_t epoch, std::size_t first,
                             std::size_t end)
    : shared_(std::move(shared)), epoch_(epoch), next_(first), current_(first), end_(end) {
  {
    const std::lock_guard lock(shared_->mutex);
    ring_ = std::move(shared_->spare);
  }
  const LoaderOptions& options = shared_->options;
  const std::size_t threads = static_cast<std::size_t>(options.threads);
  if (!ring_) {
    ring_ = std::make_unique<Ring>();
    const std::size_t slots = threads == 0 ? 1 : options.prefetch + 1;
    const std::size_t capacity = std::min(options.batch_size, std::max<std::size_t>(shared_->samples, 1));
    ring_->slots.reserve(slots);
    for (std::size_t i = 0; i < slots; ++i) ring_->slots.push_back({Batch(shared_->shape, capacity)});
    ring_->staging.assign(std::max<std::size_t>(threads, 1),
                          std::vector<float>(Batch::staged * shared_->shape.size()));
    ring_->order.resize(shared_->samples);
  }
  for (Slot& slot : ring_->slots) {
    slot.ready = false;
    slot.error = nullptr;
  }
  std::iota(ring_->order.begin(), ring_->order.end(), std::size_t{0});
  if (options.shuffle) Random(options.seed, Purpose::shuffle, epoch).shuffle(std::span(ring_->order));
}

template <class Target>
LoaderRun<Target>::~LoaderRun() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  const std::lock_guard lock(shared_->mutex);
  shared_->spare = std::move(ring_);
}

template <class Target>
void LoaderRun<Target>::start_threads() {
  const std::size_t useful = std::min(ring_->staging.size(), end_ - next_);
  for (std::size_t i = 0; shared_->options.threads > 0 && i < useful; ++i)
    threads_.emplace_back([this, i] { work(ring_->staging[i]); });
}

template <class Target>
void LoaderRun<Target>::await() {
  if (done()) return;
  Slot& slot = slot_of(current_);
  if (threads_.empty()) {
    prepare(slot, current_, ring_->staging.front());
  } else {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return slot.ready; });
  }
  if (slot.error) std::rethrow_exception(slot.error);
}

template <class Target>
void LoaderRun<Target>::advance() {
  {
    const std::lock_guard lock(mutex_);
    slot_of(current_).ready = false;
    ++current_;
  }
  changed_.notify_all();
  await();
}

template <class Target>
void LoaderRun<Target>::work(std::span<float> staging) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || next_ == end_ || next_ < current_ + ring_->slots.size(); });
    if (stop_ || next_ == end_) return;
    const std::size_t number = next_++;
    Slot& slot = slot_of(number);
    lock.unlock();
    prepare(slot, number, staging);
    lock.lock();
    slot.ready = true;
    changed_.notify_all();
  }
}

template <class Target>
void LoaderRun<Target>::prepare(Slot& slot, std::size_t number, std::span<float> staging) {
  const LoaderOptions& options = shared_->options;
  const std::size_t start = number * options.batch_size;
  const std::size_t count = std::min(options.batch_size, ring_->order.size() - start);
  slot.error = nullptr;
  try {
    slot.batch.fill(std::span<const std::size_t>(ring_->order).subspan(start, count), staging,
                    [&](std::size_t index, std::span<float> pixels) {
                      Random random(options.seed, Purpose::augment, epoch_, index);
                      return shared_->fetch(index, pixels, random);
                    });
  } catch (...) {
    slot.error = std::current_exception();
  }
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class LoaderRun<int>;
#endif

}  // namespace captcha
