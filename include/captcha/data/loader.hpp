// Turns a data set into batches, prepared by threads while the consumer computes.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/batch.hpp>
#include <captcha/data/view.hpp>

#include <algorithm>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
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

/// Yields the batches of a data set, epoch by epoch:
/// `for (const auto& batch : loader.epoch(3)) …`
///
/// What an epoch yields depends on the data set, the seed, the epoch and the batch size, never on the number
/// of threads: random numbers are keyed by (seed, epoch, sample index). A batch stays valid until the next
/// one is asked for. An exception of the data set reaches the consumer when it asks for that batch, with the
/// name of the sample.
template <Dataset D>
class Loader {
 public:
  using Batch = captcha::Batch<float, Target<D>>;
  class Epoch;

  /// Holds `data` as a view does: a variable is referred to, a temporary moved in.
  template <class Data>
  requires std::same_as<std::remove_cvref_t<Data>, D>
  explicit Loader(Data&& data, LoaderOptions options = {})
      : shared_(std::make_shared<Shared>(hold(std::forward<Data>(data)), options)) {
    if (options.batch_size == 0) throw Error("loader: batch_size is 0, expected at least 1");
    if (options.threads < 0)
      throw Error("loader: threads is " + std::to_string(options.threads) + ", expected 0 or more");
  }

  const D& data() const { return *shared_->data; }
  const LoaderOptions& options() const { return shared_->options; }
  std::size_t batches_per_epoch() const {
    const LoaderOptions& chosen = options();
    const std::size_t full = data().size() / chosen.batch_size;
    const bool rest = data().size() % chosen.batch_size != 0;
    return full + (rest && !chosen.drop_last ? 1 : 0);
  }

  /// The batches of an epoch from number `first_batch` on (to resume within an epoch).
  Epoch epoch(std::uint64_t number, std::size_t first_batch = 0) const {
    if (first_batch > batches_per_epoch())
      throw Error("loader: batch " + std::to_string(first_batch) + " of an epoch of " +
                  std::to_string(batches_per_epoch()) + "; was the checkpoint made with other data?");
    return Epoch(shared_, number, first_batch, batches_per_epoch());
  }

 private:
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
  struct Shared {
    std::shared_ptr<const D> data;
    LoaderOptions options;
    std::mutex mutex{};
    std::unique_ptr<Ring> spare{};

    Shared(std::shared_ptr<const D> d, LoaderOptions o) : data(std::move(d)), options(o) {}
  };
  class Run;

  std::shared_ptr<Shared> shared_;
};

template <class Data>
Loader(Data&&, LoaderOptions = {}) -> Loader<std::remove_cvref_t<Data>>;

/// One epoch under way: who prepares which batch, and where.
template <Dataset D>
class Loader<D>::Run {
 public:
  Run(std::shared_ptr<Shared> shared, std::uint64_t epoch, std::size_t first, std::size_t end)
      : shared_(std::move(shared)), epoch_(epoch), next_(first), current_(first), end_(end) {
    {
      const std::lock_guard lock(shared_->mutex);
      ring_ = std::move(shared_->spare);
    }
    const LoaderOptions& options = shared_->options;
    const std::size_t samples = shared_->data->size();
    const std::size_t threads = static_cast<std::size_t>(options.threads);
    if (!ring_) {
      ring_ = std::make_unique<Ring>();
      const std::size_t slots = threads == 0 ? 1 : options.prefetch + 1;
      ring_->slots.reserve(slots);
      for (std::size_t i = 0; i < slots; ++i)
        ring_->slots.push_back(
            {Batch(D::shape, std::min(options.batch_size, std::max<std::size_t>(samples, 1)))});
      ring_->staging.assign(std::max<std::size_t>(threads, 1),
                            std::vector<float>(Batch::staged * D::shape.size()));
      ring_->order.resize(samples);
    }
    for (Slot& slot : ring_->slots) {
      slot.ready = false;
      slot.error = nullptr;
    }
    std::iota(ring_->order.begin(), ring_->order.end(), std::size_t{0});
    if (options.shuffle) Random(options.seed, Purpose::shuffle, epoch).shuffle(std::span(ring_->order));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    const std::lock_guard lock(shared_->mutex);
    shared_->spare = std::move(ring_);
  }

  void start_threads() {
    const std::size_t useful = std::min(ring_->staging.size(), end_ - next_);
    for (std::size_t i = 0; shared_->options.threads > 0 && i < useful; ++i)
      threads_.emplace_back([this, i] { work(ring_->staging[i]); });
  }

  bool done() const { return current_ == end_; }

  /// Waits for the current batch (or prepares it); rethrows what went wrong with it.
  void await() {
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

  /// Gives the current batch back to the threads and goes on to the next.
  void advance() {
    {
      const std::lock_guard lock(mutex_);
      slot_of(current_).ready = false;
      ++current_;
    }
    changed_.notify_all();
    await();
  }

  const Batch& batch() const { return ring_->slots[current_ % ring_->slots.size()].batch; }

 private:
  Slot& slot_of(std::size_t number) { return ring_->slots[number % ring_->slots.size()]; }

  void work(std::span<float> staging) {
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

  void prepare(Slot& slot, std::size_t number, std::span<float> staging) {
    const D& data = *shared_->data;
    const LoaderOptions& options = shared_->options;
    const std::size_t start = number * options.batch_size;
    const std::size_t count = std::min(options.batch_size, ring_->order.size() - start);
    slot.error = nullptr;
    try {
      slot.batch.fill(std::span<const std::size_t>(ring_->order).subspan(start, count), staging,
                      [&](std::size_t index, std::span<float> pixels) {
                        Random random(options.seed, Purpose::augment, epoch_, index);
                        return fetch_named(data, index, pixels, random);
                      });
    } catch (...) {
      slot.error = std::current_exception();
    }
  }

  static Target<D> fetch_named(const D& data, std::size_t index, std::span<float> pixels, Random& random) {
    try {
      return fetch(data, index, pixels, random);
    } catch (const std::exception& error) {
      const std::string name = name_of(data, index), what = error.what();
      throw Error(what.find(name) == std::string::npos ? name + ": " + what : what);
    }
  }

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

/// The batches of one epoch, to be walked through once. Its threads end with it, at whatever point.
template <Dataset D>
class Loader<D>::Epoch {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Run* run) : run_(run) {}
    const Batch& operator*() const { return run_->batch(); }
    const Batch* operator->() const { return &run_->batch(); }
    Iterator& operator++() {
      run_->advance();
      return *this;
    }
    void operator++(int) { run_->advance(); }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.run_->done(); }

   private:
    Run* run_;
  };

  Iterator begin() {
    run_->await();
    return Iterator(run_.get());
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend Loader;
  Epoch(std::shared_ptr<Shared> shared, std::uint64_t number, std::size_t first, std::size_t end)
      : run_(std::make_unique<Run>(std::move(shared), number, first, end)) {
    run_->start_threads();
  }

  std::unique_ptr<Run> run_;
};

}  // namespace captcha
