// Metrics of networks with several heads, such as one a letter of a word.
#pragma once

#include <captcha/core/heads.hpp>
#include <captcha/core/output.hpp>
#include <captcha/metric/metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// The share of samples of which every head is right: of words read without a mistake.
class ExactMatch {
 public:
  static constexpr bool more_is_better = true;

  template <class T, ClassHeadsTarget Target>
  void add(Outputs<const T> outputs, std::span<const Target> targets) {
    constexpr std::size_t heads = head_count<Target>;
    for (std::size_t n = 0; n < targets.size(); ++n) {
      std::size_t right = 0;
      for (std::size_t head = 0; head < heads; ++head) {
        const Outputs<const T> own = head_outputs(outputs, head, heads);
        right += rank_of(own, checked_class(label_of(head_target(targets[n], head)), own.features()), n) == 0;
      }
      right_ += right == heads;
    }
    seen_ += targets.size();
  }
  double value() const { return seen_ == 0 ? 0.0 : static_cast<double>(right_) / static_cast<double>(seen_); }
  std::string name() const { return "exact_match"; }

  std::vector<double> state() const { return {static_cast<double>(right_), static_cast<double>(seen_)}; }
  void restore(const std::vector<double>& numbers) {
    right_ = static_cast<std::uint64_t>(numbers.at(0));
    seen_ = static_cast<std::uint64_t>(numbers.at(1));
  }

 private:
  std::uint64_t right_ = 0;
  std::uint64_t seen_ = 0;
};

/// A metric over the predictions of all heads, as if each were a sample of its own: `OverHeads<Accuracy>` is
/// the share of single letters read rightly.
template <class M>
class OverHeads {
 public:
  static constexpr bool more_is_better = M::more_is_better;

  explicit OverHeads(M metric = M()) : metric_(std::move(metric)) {}

  template <class T, HeadsTarget Target>
  requires requires(M metric, Outputs<const T> outputs, std::span<const HeadTarget<Target>> targets) {
    metric.add(outputs, targets);
  }
  void add(Outputs<const T> outputs, std::span<const Target> targets) {
    for_each_head(outputs, targets, [&](std::size_t, auto own_outputs, auto own_targets) {
      metric_.add(own_outputs, own_targets);
    });
  }
  double value() const { return metric_.value(); }
  std::string name() const { return metric_.name() + "_of_heads"; }
  /// What was counted.
  const M& metric() const { return metric_; }

  std::vector<double> state() const requires KeepsState<M> { return metric_.state(); }
  void restore(const std::vector<double>& numbers) requires KeepsState<M> { metric_.restore(numbers); }

 private:
  M metric_;
};

}  // namespace captcha
