// What is counted over the batches of an epoch: the loss and the metrics.
#pragma once

#include <captcha/core/output.hpp>
#include <captcha/metric/metrics.hpp>

#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <vector>

namespace captcha {

/// The same as numbers, to be saved in the middle of an epoch.
struct EpochCounts {
  double loss = 0;  ///< summed over the samples
  std::size_t samples = 0;
  std::vector<std::vector<double>> metrics{};  ///< see KeepsState
};

/// The counts of an epoch under way.
template <class Metrics>
class Tally {
 public:
  /// Whether it can be saved: where all metrics can.
  static constexpr bool savable = []<class... M>(std::type_identity<std::tuple<M...>>) {
    return (KeepsState<M> && ...);
  }(std::type_identity<Metrics>{});

  /// `fresh` are metrics that have counted nothing.
  explicit Tally(const Metrics& fresh) : metrics_(fresh) {}

  template <class Target>
  void add(Outputs<const float> outputs, std::span<const Target> targets, double mean_loss) {
    std::apply([&](auto&... metric) { (metric.add(outputs, targets), ...); }, metrics_);
    loss_ += mean_loss * static_cast<double>(targets.size());
    samples_ += targets.size();
  }

  /// The mean over the samples so far.
  double loss() const { return samples_ == 0 ? 0.0 : loss_ / static_cast<double>(samples_); }
  const Metrics& metrics() const { return metrics_; }

  EpochCounts counts() const {
    EpochCounts counts{loss_, samples_};
    if constexpr (savable)
      std::apply([&](const auto&... metric) { (counts.metrics.push_back(metric.state()), ...); }, metrics_);
    return counts;
  }
  void restore(const EpochCounts& counts) {
    loss_ = counts.loss;
    samples_ = counts.samples;
    if constexpr (savable) {
      std::size_t next = 0;
      const auto take = [&](auto& metric) {
        if (next < counts.metrics.size()) metric.restore(counts.metrics[next++]);
      };
      std::apply([&](auto&... metric) { (take(metric), ...); }, metrics_);
    }
  }

 private:
  Metrics metrics_;
  double loss_ = 0;
  std::size_t samples_ = 0;
};

}  // namespace captcha
