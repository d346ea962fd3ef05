// One run of fit: epochs, the best of them, and the files of the run.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/optim/average.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/callback.hpp>
#include <captcha/train/checkpoint.hpp>
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
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace captcha {

/// What of the data must be the same in a run that goes on: the number of samples and, where they have names,
/// a hash of those.
CAPTCHA_INLINE std::string describe_samples(std::size_t samples,
                                            const std::function<std::string(std::size_t)>& name);

/// What a run is given besides its options. The types of network, data sets and callbacks are forgotten here,
/// so that the run itself is compiled once for all of them.
template <class Target, class Metrics>
struct RunParts {
  WeightValues<float>& weights;
  WeightValues<float>* average;  ///< or null for a run that does not average
  std::unique_ptr<AnyTape<float>> tape;
  LoaderOf<Target> loader;
  /// The loss of the weights (their average, where there is one) on the validation data, which it adds to the
  /// metrics; empty for a run without.
  std::function<double(Metrics&, Workers&)> validate;
  Hooks hooks;
  ModelInfo info;
  std::function<std::string(std::size_t)> name;  ///< of a training sample; empty where they have none
};

/// What the training of any network has in common; `fit` sets it up.
template <Optimizer O, class L, class Metrics, class Target>
class TrainingRun {
 public:
  /// `options` must outlive it.
  TrainingRun(RunParts<Target, Metrics> parts, const FitOptions<O, L, Metrics>& options);
  ~TrainingRun();

  /// Trains until the last epoch, a callback's wish or the end of patience.
  TrainingState run();

 private:
  using Clock = std::chrono::steady_clock;

  void open_folder();
  bool train_epoch();
  void finish_epoch();
  void record_metrics(EpochRecord& record, const char* part, double loss, const Metrics& metrics) const;
  void monitor(double loss, const Metrics& metrics);
  void write_files();

  bool out_of_patience() const {
    return options_.patience > 0 && state_.epoch >= state_.best_epoch + options_.patience;
  }
  /// The weights that are judged and kept.
  const WeightValues<float>& judged() const { return parts_.average ? *parts_.average : parts_.weights; }
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  Progress progress() const;
  CheckpointParts checkpoint_parts() {
    return {parts_.weights, parts_.average, step_.descent().moments(), step_.descent().steps(), state_};
  }
  std::map<std::string, std::string> metadata() const {
    return to_metadata(parts_.info, parts_.weights.slots());
  }

  RunParts<Target, Metrics> parts_;
  const FitOptions<O, L, Metrics>& options_;
  Workers workers_;
  TrainingStep<O, L> step_;
  std::optional<WeightValues<float>> best_{};  // of the best epoch, when the run may stop early
  Metrics metrics_{};
  TrainingState state_{};
  double epoch_seconds_ = 0;
  std::string description_{};  // of a run with a folder: what must be the same when it goes on
};

template <Optimizer O, class L, class Metrics, class Target>
TrainingRun<O, L, Metrics, Target>::TrainingRun(RunParts<Target, Metrics> parts,
                                                const FitOptions<O, L, Metrics>& options)
    : parts_(std::move(parts)),
      options_(options),
      workers_(options.threads > 0 ? options.threads : all_threads()),
      step_(std::move(parts_.tape), parts_.weights, options.loss, options.optimizer,
            StepOptions{options.accumulate, options.clip_norm, options.seed, options.groups,
                        options.decay_all}) {
  state_.epochs = options.epochs;
  state_.steps_per_epoch = parts_.loader.batches_per_epoch();
  state_.batch_size = options.batch_size;
}

template <Optimizer O, class L, class Metrics, class Target>
TrainingRun<O, L, Metrics, Target>::~TrainingRun() = default;

template <Optimizer O, class L, class Metrics, class Target>
TrainingState TrainingRun<O, L, Metrics, Target>::run() {
  if (!options_.run.empty()) open_folder();
  parts_.hooks.on_start(state_);
  while (state_.epoch < state_.epochs && !state_.stop && !out_of_patience()) {
    parts_.hooks.on_epoch_start(state_);
    const bool complete = train_epoch();
    if (!complete) break;
    finish_epoch();
    parts_.hooks.on_epoch_end(state_);
  }
  if (parts_.average) parts_.weights = *parts_.average;
  state_.stopped_early = out_of_patience() && state_.epoch < state_.epochs;
  if (state_.stopped_early && best_) parts_.weights = *best_;
  if (!options_.run.empty()) save_weights(options_.run / "final.safetensors", parts_.weights, metadata());
  parts_.hooks.on_end(state_);
  return std::move(state_);
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::open_folder() {
  require_own_names(parts_.weights.slots());
  description_ = describe_samples(parts_.loader.samples(), parts_.name) + ", " + describe(options_).text;
  std::error_code failed;
  std::filesystem::create_directories(options_.run, failed);
  if (failed) throw Error(options_.run.string() + ": cannot make the folder of the run: " + failed.message());
  const auto last = options_.run / "last.safetensors";
  if (!std::filesystem::exists(last)) return;
  if (!options_.resume)
    throw Error(options_.run.string() + ": holds a run already; resume it, or choose another folder");
  CheckpointParts parts = checkpoint_parts();
  load_checkpoint(last, parts, description_);
  step_.descent().set_steps(parts.updates);
  state_.epochs = options_.epochs;
  if (options_.patience > 0 && state_.best_epoch > 0) {
    best_ = parts_.weights.zeros_like();
    load_weights(options_.run / "best.safetensors", *best_);
  }
}

template <Optimizer O, class L, class Metrics, class Target>
Progress TrainingRun<O, L, Metrics, Target>::progress() const {
  const std::size_t updates = (state_.steps_per_epoch + options_.accumulate - 1) / options_.accumulate;
  const std::size_t done = (state_.step - state_.epoch * state_.steps_per_epoch) / options_.accumulate;
  return {state_.epoch * updates + done, state_.epochs * updates, updates};
}

template <Optimizer O, class L, class Metrics, class Target>
bool TrainingRun<O, L, Metrics, Target>::train_epoch() {
  const auto start = Clock::now();
  metrics_ = options_.metrics;
  double sum = 0;
  std::size_t seen = 0;
  for (const auto& batch : parts_.loader.epoch(state_.epoch)) {
    const double factor = options_.schedule(progress());
    const double loss = step_.run(parts_.weights, batch, state_.step, factor, workers_);
    ++state_.step;
    if (parts_.average) {
      // The average must not remember the first, random weights for long: its decay grows with the steps.
      const double steps = static_cast<double>(state_.step);
      const double decay = std::min(options_.average_decay, (1 + steps) / (10 + steps));
      move_average(*parts_.average, parts_.weights, decay, workers_);
    }
    std::apply([&](auto&... metric) { (metric.add(step_.outputs(), batch.targets()), ...); }, metrics_);
    sum += loss * static_cast<double>(batch.size());
    seen += batch.size();
    state_.loss = sum / static_cast<double>(seen);
    state_.learning_rate = static_cast<double>(options_.optimizer.learning_rate) * factor;
    state_.images_per_second = static_cast<double>(seen) / std::max(seconds_since(start), 1e-9);
    parts_.hooks.on_step(state_);
    if (state_.stop) return false;
  }
  step_.finish(parts_.weights, options_.schedule(progress()), workers_);
  epoch_seconds_ = seconds_since(start);
  return true;
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::finish_epoch() {
  ++state_.epoch;
  EpochRecord record{state_.epoch, state_.step, {}};
  record.values.emplace_back("learning_rate", state_.learning_rate);
  record_metrics(record, "train", state_.loss, metrics_);
  if (parts_.validate) {
    Metrics metrics = options_.metrics;
    const double loss = parts_.validate(metrics, workers_);
    record_metrics(record, "val", loss, metrics);
    monitor(loss, metrics);
  } else {
    monitor(state_.loss, metrics_);
  }
  record.values.emplace_back("seconds", epoch_seconds_);
  record.values.emplace_back("images_per_second", state_.images_per_second);
  state_.history.push_back(std::move(record));
  if (options_.patience > 0 && state_.best_epoch == state_.epoch) best_ = judged();
  if (!options_.run.empty()) write_files();
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::record_metrics(EpochRecord& record, const char* part, double loss,
                                                        const Metrics& metrics) const {
  const std::string prefix = std::string(part) + "_";
  record.values.emplace_back(prefix + "loss", loss);
  std::apply([&](const auto&... m) { (record.values.emplace_back(prefix + m.name(), m.value()), ...); },
             metrics);
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::monitor(double loss, const Metrics& metrics) {
  double value = loss;
  bool more_is_better = false;
  if constexpr (std::tuple_size_v < Metrics >> 0) {
    value = std::get<0>(metrics).value();
    more_is_better = std::tuple_element_t<0, Metrics>::more_is_better;
  }
  const bool better = std::isnan(state_.best) || (more_is_better ? value > state_.best : value < state_.best);
  if (!better) return;
  state_.best = value;
  state_.best_epoch = state_.epoch;
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::write_files() {
  if (state_.best_epoch == state_.epoch)
    save_weights(options_.run / "best.safetensors", judged(), metadata());
  save_checkpoint(options_.run / "last.safetensors", checkpoint_parts(), metadata(), description_);
  write_metrics(options_.run, state_.history);
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string describe_samples(std::size_t samples,
                                            const std::function<std::string(std::size_t)>& name) {
  std::string text = "samples " + std::to_string(samples);
  if (!name) return text;
  std::uint64_t names = 0xcbf29ce484222325;  // FNV-1a
  for (std::size_t i = 0; i < samples; ++i)
    for (const char letter : name(i) + "\n")
      names = (names ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return text.append(", hash of their names ").append(std::to_string(names));
}
#endif

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class TrainingRun<AdamW, CrossEntropy, std::tuple<Accuracy>, int>;
CAPTCHA_INSTANTIATE class TrainingRun<SGD, CrossEntropy, std::tuple<Accuracy>, int>;
#endif

}  // namespace captcha
