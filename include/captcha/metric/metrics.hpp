// Metrics: what is counted over an epoch besides the loss.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/mixed.hpp>
#include <captcha/core/output.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// A metric counts batch after batch and then says one number, of which more is better or less is.
template <class M, class Target, class T = float>
concept Metric = std::copyable<M> &&
    requires(M metric, const M& done, Outputs<const T> outputs, std::span<const Target> targets) {
  metric.add(outputs, targets);
  { done.value() } -> std::convertible_to<double>;
  { done.name() } -> std::convertible_to<std::string>;
  { M::more_is_better } -> std::convertible_to<bool>;
};

/// A metric that can be saved in the middle of an epoch: what it has counted, as numbers, and back. Runs with
/// others are saved at the ends of epochs only.
template <class M>
concept KeepsState = requires(M metric, const M& counted, const std::vector<double>& numbers) {
  { counted.state() } -> std::same_as<std::vector<double>>;
  metric.restore(numbers);
};

/// A blend counts as the target that weighs more.
inline int label_of(int target) {
  return target;
}
inline int label_of(const Mixed<int>& target) {
  return target.weight >= 0.5f ? target.first : target.second;
}

/// How many classes come before `label` in the outputs of sample `n`; 0 is the prediction. A tie counts
/// against the sample unless its class comes first; not-a-number is never right.
template <class T>
std::size_t rank_of(Outputs<const T> outputs, std::size_t label, std::size_t n) {
  if (std::isnan(outputs(label, n))) return std::numeric_limits<std::size_t>::max();
  std::size_t before = 0;
  for (std::size_t c = 0; c < outputs.features(); ++c)
    before += c != label &&
              !(outputs(c, n) < outputs(label, n) || (outputs(c, n) == outputs(label, n) && c > label));
  return before;
}

/// The share of samples whose class is among the K of the largest outputs.
template <std::size_t K = 1>
class TopK {
 public:
  static constexpr bool more_is_better = true;

  template <class T, ClassTarget Target>
  void add(Outputs<const T> outputs, std::span<const Target> targets);
  double value() const { return seen_ == 0 ? 0.0 : static_cast<double>(right_) / static_cast<double>(seen_); }
  std::string name() const { return K == 1 ? "accuracy" : "top" + std::to_string(K); }

  std::vector<double> state() const { return {static_cast<double>(right_), static_cast<double>(seen_)}; }
  void restore(const std::vector<double>& numbers) {
    right_ = static_cast<std::uint64_t>(numbers.at(0));
    seen_ = static_cast<std::uint64_t>(numbers.at(1));
  }

 private:
  std::uint64_t right_ = 0;
  std::uint64_t seen_ = 0;
};
using Accuracy = TopK<1>;

template <std::size_t K>
template <class T, ClassTarget Target>
void TopK<K>::add(Outputs<const T> outputs, std::span<const Target> targets) {
  for (std::size_t n = 0; n < targets.size(); ++n)
    right_ += rank_of(outputs, checked_class(label_of(targets[n]), outputs.features()), n) < K;
  seen_ += targets.size();
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void TopK<1>::add(Outputs<const float>, std::span<const int>);
#endif

/// How often each class was taken for each other: counts[truth * classes + prediction].
class ConfusionMatrix {
 public:
  static constexpr bool more_is_better = true;

  /// NotANumber when an output is none: the sample is then read as no class.
  template <class T, ClassTarget Target>
  void add(Outputs<const T> outputs, std::span<const Target> targets) {
    if (targets.empty()) return;
    if (std::any_of(outputs.values.begin(), outputs.values.end(), [](T value) { return std::isnan(value); }))
      throw NotANumber("confusion matrix: an output is not a number");
    classes_ = outputs.features();
    counts_.resize(classes_ * classes_);
    for (std::size_t n = 0; n < targets.size(); ++n) {
      std::size_t best = 0;
      for (std::size_t c = 1; c < classes_; ++c)
        if (outputs(c, n) > outputs(best, n)) best = c;
      ++counts_[checked_class(label_of(targets[n]), classes_) * classes_ + best];
    }
  }
  std::size_t classes() const { return classes_; }
  std::uint64_t count(std::size_t truth, std::size_t prediction) const {
    return counts_[truth * classes_ + prediction];
  }
  /// Samples of a class, and samples taken for it.
  std::uint64_t samples(std::size_t truth) const {
    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < classes_; ++c) sum += count(truth, c);
    return sum;
  }
  std::uint64_t predictions(std::size_t prediction) const {
    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < classes_; ++c) sum += count(c, prediction);
    return sum;
  }
  /// The share of a class's samples that were recognised, the share of those taken for it that are of it, and
  /// the harmonic mean of the two. Not-a-number where there are none.
  double recall(std::size_t of) const { return share(count(of, of), samples(of)); }
  double precision(std::size_t of) const { return share(count(of, of), predictions(of)); }
  double f1(std::size_t of) const { return share(2 * count(of, of), samples(of) + predictions(of)); }
  /// The mean over the classes that occur of the share recognised: accuracy as if all classes were equally
  /// frequent.
  double value() const {
    double sum = 0;
    std::size_t present = 0;
    for (std::size_t truth = 0; truth < classes_; ++truth) {
      if (samples(truth) == 0) continue;
      ++present;
      sum += recall(truth);
    }
    return present == 0 ? 0.0 : sum / static_cast<double>(present);
  }
  std::string name() const { return "balanced_accuracy"; }

  std::vector<double> state() const { return {counts_.begin(), counts_.end()}; }
  void restore(const std::vector<double>& numbers) {
    counts_.assign(numbers.begin(), numbers.end());
    classes_ = 0;
    while (classes_ * classes_ < counts_.size()) ++classes_;
  }

 private:
  static double share(std::uint64_t part, std::uint64_t all) {
    return all == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(part) / static_cast<double>(all);
  }

  std::size_t classes_ = 0;
  std::vector<std::uint64_t> counts_;
};

}  // namespace captcha
