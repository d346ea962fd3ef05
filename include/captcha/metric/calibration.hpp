// Calibration: whether a network is right as often as its probabilities say.
//
//   error = sum over bins b of n[b] / N * |accuracy[b] - confidence[b]|
//
// the expected calibration error of Guo et al. 2017, arXiv:1706.04599: the samples go into bins of equal
// width by their confidence, the largest of their probabilities.
#pragma once

#include <captcha/core/mixed.hpp>
#include <captcha/core/output.hpp>
#include <captcha/metric/metrics.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// What was counted of the samples whose confidence lies in one bin: above its lower end, at most its upper
/// one.
struct CalibrationBin {
  double samples = 0;
  double right = 0;
  double confidence = 0;  ///< summed over the samples

  double accuracy() const { return samples > 0 ? right / samples : 0; }
  double mean_confidence() const { return samples > 0 ? confidence / samples : 0; }
};

/// The expected calibration error of logits, over `Bins` bins. Outputs that are not a number make it none.
template <std::size_t Bins = 15>
class Calibration {
  static_assert(Bins > 0, "captcha: Calibration needs at least one bin");

 public:
  static constexpr bool more_is_better = false;

  template <class T, ClassTarget Target>
  void add(Outputs<const T> logits, std::span<const Target> targets);

  double value() const;
  std::string name() const { return "calibration_error"; }
  const std::array<CalibrationBin, Bins>& bins() const { return bins_; }
  /// The mean over the samples of sum over c of (p[c] - (c == target))^2, from 0 to 2 (Brier 1950, Monthly
  /// Weather Review 78).
  double brier() const { return samples() > 0 ? squares_ / samples() : 0; }

  std::vector<double> state() const;
  void restore(const std::vector<double>& numbers);

 private:
  double samples() const {
    double sum = 0;
    for (const CalibrationBin& bin : bins_) sum += bin.samples;
    return sum;
  }

  std::array<CalibrationBin, Bins> bins_{};
  double squares_ = 0;
};

template <std::size_t Bins>
template <class T, ClassTarget Target>
void Calibration<Bins>::add(Outputs<const T> logits, std::span<const Target> targets) {
  const std::size_t classes = logits.features();
  for (std::size_t n = 0; n < targets.size(); ++n) {
    const std::size_t label = checked_class(label_of(targets[n]), classes);
    std::size_t best = 0;
    for (std::size_t c = 1; c < classes; ++c)
      if (logits(c, n) > logits(best, n)) best = c;
    const auto share = [&](std::size_t c) {
      return std::exp(static_cast<double>(logits(c, n)) - static_cast<double>(logits(best, n)));
    };
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += share(c);
    for (std::size_t c = 0; c < classes; ++c) {
      const double miss = share(c) / sum - (c == label ? 1.0 : 0.0);
      squares_ += miss * miss;
    }
    const double confidence = 1 / sum;  // share(best) is 1
    const double place = std::ceil(confidence * static_cast<double>(Bins)) - 1;
    CalibrationBin& bin = bins_[place > 0 ? std::min(static_cast<std::size_t>(place), Bins - 1) : 0];
    bin.samples += 1;
    bin.right += best == label ? 1 : 0;
    bin.confidence += confidence;
  }
}

template <std::size_t Bins>
double Calibration<Bins>::value() const {
  double sum = 0;
  for (const CalibrationBin& bin : bins_) sum += std::abs(bin.right - bin.confidence);
  return samples() > 0 ? sum / samples() : 0;
}

template <std::size_t Bins>
std::vector<double> Calibration<Bins>::state() const {
  std::vector<double> numbers{squares_};
  for (const CalibrationBin& bin : bins_)
    numbers.insert(numbers.end(), {bin.samples, bin.right, bin.confidence});
  return numbers;
}

template <std::size_t Bins>
void Calibration<Bins>::restore(const std::vector<double>& numbers) {
  squares_ = numbers.at(0);
  for (std::size_t b = 0; b < Bins; ++b)
    bins_[b] = {numbers.at(3 * b + 1), numbers.at(3 * b + 2), numbers.at(3 * b + 3)};
}

}  // namespace captcha
