// The learning-rate finder (Smith 2015, arXiv:1506.01186): how the loss answers to a rate that grows step by
// step.
#pragma once

#include <captcha/data/loader.hpp>
#include <captcha/train/fit.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// From which rate to which, in how many steps.
struct RateRange {
  double from = 1e-6;
  double to = 1.0;
  std::size_t steps = 100;
};

/// The curve, and the rate at which the smoothed loss fell most steeply.
struct RateCurve {
  std::vector<std::pair<double, double>> points{};  ///< rate, smoothed loss
  double suggestion = 0;
};

/// Trains a copy of the weights with a learning rate that grows exponentially, until the loss is four times
/// its least or the steps are done. `weights` stay as they are. Of the options those of a single step count:
/// batch size, optimizer, loss, groups, clipping, threads and seed. Error as `fit`, and NotANumber when even
/// the first step has no loss.
template <class Net, Dataset Train, Optimizer O = AdamW, class L = CrossEntropy,
          class Metrics = std::tuple<Accuracy>>
RateCurve find_learning_rate(const Weights<Net>& weights, const Train& train,
                             const FitOptions<O, L, Metrics>& options, RateRange range = {}) {
  check_fit<Net, Train, L, Metrics>();
  require_valid(options);
  if (train.size() == 0) throw Error("find_learning_rate: the data set is empty");
  if (!(range.from > 0 && range.to > range.from && range.steps > 1))
    throw Error("find_learning_rate: expected 0 < from < to and at least 2 steps");
  Weights<Net> copy = weights;
  Workers workers(options.threads > 0 ? options.threads : all_threads());
  const std::size_t batch_size = std::min(options.batch_size, train.size());
  const Loader loader(train, {.batch_size = batch_size,
                              .shuffle = true,
                              .seed = options.seed,
                              .threads = options.loader_threads,
                              .drop_last = true});
  auto step = training_step<Train::shape>(copy, batch_size, options.loss, options.optimizer,
                                          {.clip_norm = options.clip_norm,
                                           .seed = options.seed,
                                           .groups = options.groups,
                                           .decay_all = options.decay_all});
  RateCurve curve;
  constexpr double keep = 0.95;
  double smooth = 0, least = 0;
  const double base = static_cast<double>(options.optimizer.learning_rate);
  for (std::size_t epoch = 0; curve.points.size() < range.steps; ++epoch)
    for (const auto& batch : loader.epoch(epoch)) {
      const std::size_t i = curve.points.size();
      if (i == range.steps) break;
      const double rate =
          range.from *
          std::pow(range.to / range.from, static_cast<double>(i) / static_cast<double>(range.steps - 1));
      double loss = 0;
      try {
        loss = step.run(copy, batch, i, rate / base, workers);
      } catch (const NotANumber&) {
        if (curve.points.empty()) throw;
        return curve;  // the rate is far beyond what works, which ends the search
      }
      smooth = keep * smooth + (1 - keep) * loss;
      const double corrected = smooth / (1 - std::pow(keep, static_cast<double>(i + 1)));
      if (i == 0 || corrected < least) least = corrected;
      if (corrected > 4 * least) return curve;
      double steepest = 0;
      curve.points.emplace_back(rate, corrected);
      for (std::size_t k = 1; k < curve.points.size(); ++k) {
        const double slope = curve.points[k].second - curve.points[k - 1].second;
        if (slope < steepest) {
          steepest = slope;
          curve.suggestion = curve.points[k].first;
        }
      }
    }
  return curve;
}

}  // namespace captcha
