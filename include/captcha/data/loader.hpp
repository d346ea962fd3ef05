// Turns a data set into batches, prepared by threads while the consumer computes.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/loader_run.hpp>
#include <captcha/data/view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace captcha {

/// The batches of one epoch, to be walked through once. Its threads end with it, at whatever point.
template <class Target>
class LoaderEpoch {
 public:
  using Run = LoaderRun<Target>;
  using Batch = typename Run::Batch;

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

  explicit LoaderEpoch(std::unique_ptr<Run> run) : run_(std::move(run)) { run_->start_threads(); }

  Iterator begin() {
    run_->await();
    return Iterator(run_.get());
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::unique_ptr<Run> run_;
};

/// What a loader does without knowing the type of its data set.
template <class Target>
class LoaderOf {
 public:
  using Run = LoaderRun<Target>;
  using Batch = typename Run::Batch;
  using Epoch = LoaderEpoch<Target>;

  const LoaderOptions& options() const { return shared_->options; }
  std::size_t samples() const { return shared_->samples; }
  std::size_t batches_per_epoch() const;

  /// The batches of an epoch from number `first_batch` on (to resume within an epoch).
  Epoch epoch(std::uint64_t number, std::size_t first_batch = 0) const;

 protected:
  LoaderOf(typename Run::Fetch fetch, Shape shape, std::size_t samples, const LoaderOptions& options);

 private:
  std::shared_ptr<typename Run::Shared> shared_;
};

/// Yields the batches of a data set, epoch by epoch:
/// `for (const auto& batch : loader.epoch(3)) …`
///
/// What an epoch yields depends on the data set, the seed, the epoch and the batch size, never on the number
/// of threads: random numbers are keyed by (seed, epoch, sample index). A batch stays valid until the next
/// one is asked for. An exception of the data set reaches the consumer when it asks for that batch, with the
/// name of the sample.
template <Dataset D>
class Loader : public LoaderOf<Target<D>> {
 public:
  /// Holds `data` as a view does: a variable is referred to, a temporary moved in.
  template <class Data>
  requires std::same_as<std::remove_cvref_t<Data>, D>
  explicit Loader(Data&& data, const LoaderOptions& options = {})
      : Loader(hold(std::forward<Data>(data)), options) {}

 private:
  Loader(const std::shared_ptr<const D>& data, const LoaderOptions& options)
      : LoaderOf<Target<D>>([data](std::size_t index, std::span<float> pixels,
                                   Random& random) { return fetch_named(*data, index, pixels, random); },
                            D::shape, data->size(), options) {}

  static Target<D> fetch_named(const D& data, std::size_t index, std::span<float> pixels, Random& random) {
    try {
      return fetch(data, index, pixels, random);
    } catch (const std::exception& error) {
      const std::string name = name_of(data, index), what = error.what();
      throw Error(what.find(name) == std::string::npos ? name + ": " + what : what);
    }
  }
};

template <class Data>
Loader(Data&&, const LoaderOptions& = {}) -> Loader<std::remove_cvref_t<Data>>;

template <class Target>
LoaderOf<Target>::LoaderOf(typename Run::Fetch fetch, Shape shape, std::size_t samples,
                           const LoaderOptions& options) {
  if (options.batch_size == 0) throw Error("loader: batch_size is 0, expected at least 1");
  if (options.threads < 0)
    throw Error("loader: threads is " + std::to_string(options.threads) + ", expected 0 or more");
  shared_ = std::make_shared<typename Run::Shared>(std::move(fetch), shape, samples, options);
}

template <class Target>
std::size_t LoaderOf<Target>::batches_per_epoch() const {
  const LoaderOptions& chosen = options();
  const std::size_t full = samples() / chosen.batch_size;
  const bool rest = samples() % chosen.batch_size != 0;
  return full + (rest && !chosen.drop_last ? 1 : 0);
}

template <class Target>
LoaderEpoch<Target> LoaderOf<Target>::epoch(std::uint64_t number, std::size_t first_batch) const {
  if (first_batch > batches_per_epoch())
    throw Error("loader: batch " + std::to_string(first_batch) + " of an epoch of " +
                std::to_string(batches_per_epoch()) + "; was the checkpoint made with other data?");
  return Epoch(std::make_unique<Run>(shared_, number, first_batch, batches_per_epoch()));
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class LoaderOf<int>;
#endif

}  // namespace captcha
