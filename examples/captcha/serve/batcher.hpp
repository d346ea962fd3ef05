// Dynamic batching: what arrives one by one, from any thread, is worked off together.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace captcha::app {

/// A queue and the thread that empties it. The oldest item waits at most `wait` for others while the thread
/// has nothing else to do; while it works the queue fills by itself.
template <class Item>
class Batcher {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::size_t batch = 32;                ///< most items that are worked off together
    std::chrono::microseconds wait{2000};  ///< for others to come
    std::size_t queue = 256;               ///< most items that wait
  };
  /// Must not throw. What it leaves of the items is destroyed by the thread of the batcher.
  using Work = std::function<void(std::span<Item>)>;

  Batcher(Options options, Work work)
      : options_(options), work_(std::move(work)), thread_([this] { serve(); }) {}
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;
  ~Batcher() { stop(); }

  /// Puts all items into the queue; false, and none, when it has not room for all or the batcher is stopped.
  bool push(std::vector<Item> items) {
    const std::lock_guard lock(guard_);
    if (stopped_ || items.size() > options_.queue - queue_.size()) return false;
    const auto now = Clock::now();
    for (Item& item : items) queue_.push_back({std::move(item), now});
    came_.notify_one();
    return true;
  }

  /// Works off what is in the queue without waiting for more, and ends the thread.
  void stop() {
    {
      const std::lock_guard lock(guard_);
      stopped_ = true;
      came_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

  std::size_t waiting() const {
    const std::lock_guard lock(guard_);
    return queue_.size();
  }

 private:
  struct Waiting {
    Item item;
    Clock::time_point since;
  };

  void serve() {
    while (true) {
      std::vector<Item> batch;
      {
        std::unique_lock lock(guard_);
        came_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
        if (queue_.empty()) return;
        came_.wait_until(lock, queue_.front().since + options_.wait,
                         [this] { return stopped_ || queue_.size() >= options_.batch; });
        const auto count = static_cast<std::ptrdiff_t>(std::min(options_.batch, queue_.size()));
        for (auto it = queue_.begin(); it != queue_.begin() + count; ++it)
          batch.push_back(std::move(it->item));
        queue_.erase(queue_.begin(), queue_.begin() + count);
      }
      work_(batch);
    }
  }

  const Options options_;
  const Work work_;
  mutable std::mutex guard_;
  std::condition_variable came_;
  std::deque<Waiting> queue_;
  bool stopped_ = false;
  std::thread thread_;  // the last, as it uses all others
};

}  // namespace captcha::app
