// fit: trains any network on any data set.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/heads.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/loss/loss.hpp>
#include <captcha/metric/heads.hpp>
#include <captcha/metric/metrics.hpp>
#include <captcha/train/callback.hpp>
#include <captcha/train/evaluate.hpp>
#include <captcha/train/fit_options.hpp>
#include <captcha/train/run.hpp>
#include <captcha/train/state.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// What fit returns: the state at the end, with one record an epoch.
using FitResult = TrainingState;

/// Refuses to compile where network, data set, loss and metrics do not fit each other.
template <class Net, class Data, class L, class Metrics>
constexpr void check_fit() {
  static_assert(check_shapes<Net, Data::shape>());
  static_assert(
      Net::out(Data::shape).is_flat || !(ClassTarget<Target<Data>> || ClassHeadsTarget<Target<Data>>),
      "captcha: the network ends in an image, but classes need a vector: end it with "
      "GlobalAvgPool2d or Flatten, and a Linear");
  static_assert(
      Loss<L, Target<Data>>,
      "captcha: the loss does not take the targets that the data set gives (classes are int, values "
      "float or std::array<float, N>, several classes std::array<int, N> with MeanOverHeads); "
      "check_fit<network, data set, loss, metrics> beside this message names them");
  []<class... M>(std::type_identity<std::tuple<M...>>) {
    static_assert((Metric<M, Target<Data>> && ...),
                  "captcha: a metric does not take the targets that the data set gives, or lacks add, value, "
                  "name or more_is_better; check_fit<network, data set, loss, metrics> beside this message "
                  "names it");
  }(std::type_identity<Metrics>{});
}

/// Refuses to compile where a callback would never be called.
template <class... Callbacks>
constexpr void check_callbacks() {
  static_assert((CallableHooks<Callbacks> && ...),
                "captcha: a callback has a hook that does not take a TrainingState& (or the callback is "
                "const and the hook is not); check_callbacks<callbacks> beside this message names it");
  static_assert((Callback<Callbacks> && ...),
                "captcha: a callback has none of the hooks on_start, on_epoch_start, on_step, on_epoch_end, "
                "on_end; check_callbacks<callbacks> beside this message names it");
}

/// Error when two data sets number their classes differently. One may know more classes than the other, which
/// is then the beginning: a file of numbers names those up to the largest that occurs in it.
inline void require_same_classes(const std::vector<std::string>& trained,
                                 const std::vector<std::string>& judged) {
  const std::size_t common = std::min(trained.size(), judged.size());
  for (std::size_t c = 0; c < common; ++c)
    if (trained[c] != judged[c])
      throw Error("fit: class " + std::to_string(c) + " is '" + trained[c] + "' in the training data and '" +
                  judged[c] + "' in the validation data; give both the same list of classes");
}

/// What both forms of fit share: judge(weights, metrics, workers) validates on so many samples, or is null.
template <class Net, Dataset Train, Optimizer O, class L, class Metrics, class Judge, class... Callbacks>
FitResult run_fit(Weights<Net>& weights, const Train& train, const FitOptions<O, L, Metrics>& options,
                  const Judge& judge, std::size_t judged, Callbacks&... callbacks) {
  check_fit<Net, Train, L, Metrics>();
  check_callbacks<Callbacks...>();
  require_valid(options);
  if (train.size() == 0) throw Error("fit: the data set is empty");
  std::optional<Weights<Net>> average;
  if (options.average_decay > 0) average = weights;

  RunParts<Target<Train>, Metrics> parts{
      .weights = weights,
      .average = average ? &*average : nullptr,
      .tape = std::make_unique<Tape<Net, Train::shape>>(
          static_cast<int>(std::min(options.batch_size, train.size()))),
      .loader = Loader(train, {.batch_size = options.batch_size,
                               .shuffle = true,
                               .seed = options.seed,
                               .threads = options.loader_threads,
                               .drop_last = train.size() >= options.batch_size}),
      .validate = {},
      .validation_samples = judged,
      .hooks = hooks_of(callbacks...),
      .info = options.info,
      .name = {}};
  if constexpr (HasName<Train>) parts.name = [&](std::size_t i) { return train.name(i); };
  if constexpr (!std::same_as<Judge, std::nullptr_t>)
    parts.validate = [&](Metrics& metrics, Workers& workers) {
      return judge(average ? *average : weights, metrics, workers);
    };
  if (parts.info.input == Shape{}) parts.info.input = Train::shape;
  if constexpr (HasClasses<Train>)
    if (parts.info.classes.empty()) parts.info.classes = train.classes();
  return TrainingRun<O, L, Metrics, Target<Train>>(std::move(parts), options).run();
}

/// Trains `weights` on `train`; after every epoch the loss and the metrics are measured on `validation`. The
/// same seed gives the same weights, bit by bit, for any number of threads. Error when a target does not fit
/// the network, when the two data sets number their classes differently, when the loss is not a number, or
/// when the folder of the run cannot be used.
template <class Net, Dataset Train, Dataset Validation, Optimizer O = AdamW, class L = CrossEntropy,
          class Metrics = std::tuple<Accuracy>, class... Callbacks>
FitResult fit(Weights<Net>& weights, const Train& train, const Validation& validation,
              const FitOptions<O, L, Metrics>& options, Callbacks&&... callbacks) {
  check_fit<Net, Validation, L, Metrics>();
  static_assert(Train::shape == Validation::shape,
                "captcha: the two data sets give inputs of different shapes");
  if (validation.size() == 0) throw Error("fit: the validation data are empty");
  if constexpr (HasClasses<Train> && HasClasses<Validation>)
    require_same_classes(train.classes(), validation.classes());
  const EvaluateOptions how{.batch_size = options.batch_size, .loader_threads = options.loader_threads};
  return run_fit(
      weights, train, options,
      [&](const Weights<Net>& judged, Metrics& metrics, Workers& workers) {
        return evaluate(judged, validation, options.loss, metrics, how, workers);
      },
      validation.size(), callbacks...);
}

/// The same without validation data: the best epoch is then the one that fits the training data best.
template <class Net, Dataset Train, Optimizer O = AdamW, class L = CrossEntropy,
          class Metrics = std::tuple<Accuracy>, class... Callbacks>
FitResult fit(Weights<Net>& weights, const Train& train, const FitOptions<O, L, Metrics>& options,
              Callbacks&&... callbacks) {
  return run_fit(weights, train, options, nullptr, 0, callbacks...);
}

}  // namespace captcha
