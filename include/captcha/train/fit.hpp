// fit: trains any network on any data set.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/loss/loss.hpp>
#include <captcha/metric/metrics.hpp>
#include <captcha/optim/average.hpp>
#include <captcha/optim/descent.hpp>
#include <captcha/train/callback.hpp>
#include <captcha/train/checkpoint.hpp>
#include <captcha/train/evaluate.hpp>
#include <captcha/train/fit_options.hpp>
#include <captcha/train/log.hpp>
#include <captcha/train/state.hpp>
#include <captcha/train/step.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// What fit returns: the state at the end, with one record an epoch.
using FitResult = TrainingState;

/// Marks that there is no validation data.
struct NoValidation {};

/// The parts of a run that `fit` puts together; see there.
template <class Net, Dataset Train, class Validation, Optimizer O, class L, class Metrics>
class Fit {
 public:
  using Options = FitOptions<O, L, Metrics>;
  static constexpr bool validates = !std::same_as<Validation, NoValidation>;

  Fit(Weights<Net>& weights, const Train& train, const Validation& validation, const Options& options)
      : weights_(weights),
        validation_(validation),
        options_(checked(options)),
        info_(options.info),
        workers_(options.threads > 0 ? options.threads : all_threads()),
        loader_(train, LoaderOptions{.batch_size = options.batch_size,
                                     .shuffle = true,
                                     .seed = options.seed,
                                     .threads = options.loader_threads,
                                     .drop_last = train.size() >= options.batch_size}),
        step_(std::min(options.batch_size, train.size()), options.loss,
              Descent<Net, O>(options.optimizer, options.groups, options.decay_all),
              StepOptions{options.accumulate, options.clip_norm, options.seed}),
        average_(options.average_decay > 0 ? weights : Weights<Net>::zeros()) {
    if (train.size() == 0) throw Error("fit: the data set is empty");
    if constexpr (validates)
      if (validation.size() == 0) throw Error("fit: the validation data are empty");
    if (!options.run.empty()) require_own_names(slots_of<Net>());
    if (info_.input == Shape{}) info_.input = Train::shape;
    if constexpr (HasClasses<Train>)
      if (info_.classes.empty()) info_.classes = train.classes();
    state_.epochs = options.epochs;
    state_.steps_per_epoch = loader_.batches_per_epoch();
    state_.batch_size = options.batch_size;
  }

  template <class... Callbacks>
  FitResult run(Callbacks&... callbacks) {
    static_assert((CallableHooks<Callbacks> && ...),
                  "captcha: a callback has a hook that does not take a TrainingState& (or the callback is "
                  "const and the hook is not); run<callbacks> beside this message names it");
    static_assert(
        (Callback<Callbacks> && ...),
        "captcha: a callback has none of the hooks on_start, on_epoch_start, on_step, on_epoch_end, "
        "on_end; run<callbacks> beside this message names it");
    if (!options_.run.empty()) open_folder();
    notify<OnStart>(state_, callbacks...);
    while (state_.epoch < state_.epochs && !state_.stop && !out_of_patience()) {
      notify<OnEpochStart>(state_, callbacks...);
      const bool complete = train_epoch(callbacks...);
      if (!complete) break;
      finish_epoch();
      notify<OnEpochEnd>(state_, callbacks...);
    }
    if (averages()) weights_ = average_;
    state_.stopped_early = out_of_patience() && state_.epoch < state_.epochs;
    if (state_.stopped_early && best_) weights_ = *best_;
    if (!options_.run.empty())
      save_weights(options_.run / "final.safetensors", weights_, to_metadata<Net>(info_));
    notify<OnEnd>(state_, callbacks...);
    return std::move(state_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool averages() const { return options_.average_decay > 0; }
  bool out_of_patience() const {
    return options_.patience > 0 && state_.epoch >= state_.best_epoch + options_.patience;
  }
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  Progress progress() const {
    const std::size_t updates = (state_.steps_per_epoch + options_.accumulate - 1) / options_.accumulate;
    const std::size_t done = (state_.step - state_.epoch * state_.steps_per_epoch) / options_.accumulate;
    return {state_.epoch * updates + done, state_.epochs * updates, updates};
  }

  /// What must be the same in a run that goes on.
  std::string description() const {
    const Train& data = loader_.data();
    std::string text = "samples " + std::to_string(data.size());
    if constexpr (HasName<Train>) {
      std::uint64_t names = 0xcbf29ce484222325;  // FNV-1a
      for (std::size_t i = 0; i < data.size(); ++i)
        for (const char letter : data.name(i) + "\n")
          names = (names ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
      text.append(", hash of their names ").append(std::to_string(names));
    }
    return text.append(", ").append(describe(options_).text);
  }

  void open_folder() {
    description_ = description();
    std::error_code failed;
    std::filesystem::create_directories(options_.run, failed);
    if (failed)
      throw Error(options_.run.string() + ": cannot make the folder of the run: " + failed.message());
    const auto last = options_.run / "last.safetensors";
    if (!std::filesystem::exists(last)) return;
    if (!options_.resume)
      throw Error(options_.run.string() + ": holds a run already; resume it, or choose another folder");
    CheckpointParts parts = checkpoint_parts();
    load_checkpoint(last, parts, description_);
    step_.descent().set_steps(parts.updates);
    state_.epochs = options_.epochs;
    if (options_.patience > 0 && state_.best_epoch > 0) {
      best_ = Weights<Net>::zeros();
      load_weights(options_.run / "best.safetensors", *best_);
    }
  }

  CheckpointParts checkpoint_parts() {
    return {weights_, averages() ? &average_ : nullptr, step_.descent().moments(), step_.descent().steps(),
            state_};
  }

  template <class... Callbacks>
  bool train_epoch(Callbacks&... callbacks) {
    const auto start = Clock::now();
    metrics_ = options_.metrics;
    double sum = 0;
    std::size_t seen = 0;
    for (const auto& batch : loader_.epoch(state_.epoch)) {
      const double factor = options_.schedule(progress());
      const double loss = step_.run(weights_, batch, state_.step, factor, workers_);
      ++state_.step;
      if (averages()) move_average(average_, weights_, average_decay(), workers_);
      std::apply([&](auto&... metric) { (metric.add(step_.outputs(), batch.targets()), ...); }, metrics_);
      sum += loss * static_cast<double>(batch.size());
      seen += batch.size();
      state_.loss = sum / static_cast<double>(seen);
      state_.learning_rate = static_cast<double>(options_.optimizer.learning_rate) * factor;
      state_.images_per_second = static_cast<double>(seen) / std::max(seconds_since(start), 1e-9);
      notify<OnStep>(state_, callbacks...);
      if (state_.stop) return false;
    }
    step_.finish(weights_, options_.schedule(progress()), workers_);
    epoch_seconds_ = seconds_since(start);
    return true;
  }

  /// The average must not remember the first, random weights for long: its decay grows with the steps.
  double average_decay() const {
    const double steps = static_cast<double>(state_.step);
    return std::min(options_.average_decay, (1 + steps) / (10 + steps));
  }

  void finish_epoch() {
    ++state_.epoch;
    EpochRecord record{state_.epoch, state_.step, {}};
    const auto write = [&record](const char* part, double loss, const Metrics& metrics) {
      record.values.emplace_back(std::string(part) + "_loss", loss);
      std::apply(
          [&](const auto&... m) {
            (record.values.emplace_back(std::string(part) + "_" + m.name(), m.value()), ...);
          },
          metrics);
    };
    record.values.emplace_back("learning_rate", state_.learning_rate);
    write("train", state_.loss, metrics_);
    const Weights<Net>& judged = averages() ? average_ : weights_;
    if constexpr (validates) {
      Metrics metrics = options_.metrics;
      const double loss =
          evaluate(judged, validation_, options_.loss, metrics,
                   {.batch_size = options_.batch_size, .loader_threads = options_.loader_threads}, workers_);
      write("val", loss, metrics);
      monitor(loss, metrics);
    } else {
      monitor(state_.loss, metrics_);
    }
    record.values.emplace_back("seconds", epoch_seconds_);
    record.values.emplace_back("images_per_second", state_.images_per_second);
    state_.history.push_back(std::move(record));
    if (options_.patience > 0 && state_.best_epoch == state_.epoch) best_ = judged;
    if (options_.run.empty()) return;
    if (state_.best_epoch == state_.epoch)
      save_weights(options_.run / "best.safetensors", judged, to_metadata<Net>(info_));
    save_checkpoint(options_.run / "last.safetensors", checkpoint_parts(), to_metadata<Net>(info_),
                    description_);
    write_metrics(options_.run, state_.history);
  }

  void monitor(double loss, const Metrics& metrics) {
    double value = loss;
    bool more_is_better = false;
    if constexpr (std::tuple_size_v < Metrics >> 0) {
      value = std::get<0>(metrics).value();
      more_is_better = std::tuple_element_t<0, Metrics>::more_is_better;
    }
    const bool better =
        std::isnan(state_.best) || (more_is_better ? value > state_.best : value < state_.best);
    if (!better) return;
    state_.best = value;
    state_.best_epoch = state_.epoch;
  }

  Weights<Net>& weights_;
  const Validation& validation_;
  const Options& options_;
  ModelInfo info_;
  Workers workers_;
  Loader<Train> loader_;
  TrainingStep<Net, Train::shape, O, L> step_;
  Weights<Net> average_;
  std::optional<Weights<Net>> best_{};  ///< of the best epoch, when the run may stop early
  Metrics metrics_{};
  TrainingState state_{};
  double epoch_seconds_ = 0;
  std::string description_{};  ///< of a run with a folder
};

/// Refuses to compile where network, data set, loss and metrics do not fit each other.
template <class Net, class Data, class L, class Metrics>
constexpr void check_fit() {
  static_assert(check_shapes<Net, Data::shape>());
  static_assert(Net::out(Data::shape).is_flat || !ClassTarget<Target<Data>>,
                "captcha: the network ends in an image, but classes need a vector: end it with "
                "GlobalAvgPool2d or Flatten, and a Linear");
  static_assert(
      Loss<L, Target<Data>>,
      "captcha: the loss does not take the targets that the data set gives (classes are int, values "
      "float or std::array<float, N>); check_fit<network, data set, loss, metrics> beside this "
      "message names them");
  []<class... M>(std::type_identity<std::tuple<M...>>) {
    static_assert((Metric<M, Target<Data>> && ...),
                  "captcha: a metric does not take the targets that the data set gives, or lacks add, value, "
                  "name or more_is_better; check_fit<network, data set, loss, metrics> beside this message "
                  "names it");
  }(std::type_identity<Metrics>{});
}

/// Trains `weights` on `train`; after every epoch the loss and the metrics are measured on `validation`. The
/// same seed gives the same weights, bit by bit, for any number of threads. Error when a target does not fit
/// the network, when the loss is not a number, or when the folder of the run cannot be used.
template <class Net, Dataset Train, Dataset Validation, Optimizer O = AdamW, class L = CrossEntropy,
          class Metrics = std::tuple<Accuracy>, class... Callbacks>
FitResult fit(Weights<Net>& weights, const Train& train, const Validation& validation,
              const FitOptions<O, L, Metrics>& options, Callbacks&&... callbacks) {
  check_fit<Net, Train, L, Metrics>();
  check_fit<Net, Validation, L, Metrics>();
  static_assert(Train::shape == Validation::shape,
                "captcha: the two data sets give inputs of different shapes");
  return Fit<Net, Train, Validation, O, L, Metrics>(weights, train, validation, options).run(callbacks...);
}

/// The same without validation data: the best epoch is then the one that fits the training data best.
template <class Net, Dataset Train, Optimizer O = AdamW, class L = CrossEntropy,
          class Metrics = std::tuple<Accuracy>, class... Callbacks>
FitResult fit(Weights<Net>& weights, const Train& train, const FitOptions<O, L, Metrics>& options,
              Callbacks&&... callbacks) {
  check_fit<Net, Train, L, Metrics>();
  return Fit<Net, Train, NoValidation, O, L, Metrics>(weights, train, NoValidation{}, options)
      .run(callbacks...);
}

}  // namespace captcha
