// One run of fit: epochs, the best of them, and the files of the run.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/optim/average.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/callback.hpp>
#include <captcha/train/checkpoint.hpp>
#include <captcha/train/fit_options.hpp>
#include <captcha/train/log.hpp>
#include <captcha/train/run_folder.hpp>
#include <captcha/train/run_parts.hpp>
#include <captcha/train/samples.hpp>
#include <captcha/train/state.hpp>
#include <captcha/train/step.hpp>
#include <captcha/train/tally.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace captcha {

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
  /// Whether it was trained to its end.
  bool train_epoch();
  void finish_epoch();
  void record_metrics(EpochRecord& record, const char* part, double loss, const Metrics& metrics) const;
  void monitor(double loss, const Metrics& metrics);
  void write_checkpoint();

  bool out_of_patience() const {
    return options_.patience > 0 && state_.epoch >= state_.best_epoch + options_.patience;
  }
  /// The weights that are judged and kept.
  const WeightValues<float>& judged() const { return parts_.average ? *parts_.average : parts_.weights; }
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  std::size_t updates_per_epoch() const {
    return (state_.steps_per_epoch + options_.accumulate - 1) / options_.accumulate;
  }
  Progress progress() const;
  /// Does what may find not-a-number; the error then says in which step, and names the samples.
  template <class Work>
  auto named(Work work) const try {
    return work();
  } catch (const NotANumber& found) {
    throw in_words(found, state_.epoch + 1, state_.step, parts_.name);
  }
  /// Lets the average follow an update of the weights.
  void follow() {
    if (parts_.average)
      move_average(*parts_.average, parts_.weights,
                   warmed_decay(options_.average_decay, step_.descent().steps()), workers_);
  }
  /// Whether this step, which did not end the epoch, is one after which the run is saved.
  bool checkpoint_is_due() const {
    const std::size_t saved = kept_.empty() ? 0 : kept_.back();
    return folder_ && Tally<Metrics>::savable && options_.checkpoint_steps > 0 && step_.complete() &&
           state_.step >= saved + options_.checkpoint_steps &&
           state_.step < (state_.epoch + 1) * state_.steps_per_epoch;
  }
  CheckpointParts checkpoint_parts() {
    return {parts_.weights, parts_.average, step_.descent().moments(), step_.descent().steps(), state_, {},
            kept_};
  }
  std::map<std::string, std::string> metadata() const {
    return to_metadata(parts_.info, parts_.weights.slots());
  }

  RunParts<Target, Metrics> parts_;
  const FitOptions<O, L, Metrics>& options_;
  Workers workers_;
  TrainingStep<O, L> step_;
  std::optional<WeightValues<float>> best_{};  // of the best epoch, when the run may stop early
  Tally<Metrics> tally_;                       // of the epoch under way
  TrainingState state_{};
  std::optional<RunFolder> folder_{};
  std::vector<std::size_t> kept_{};  // see CheckpointParts
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
                        options.decay_all}),
      tally_(options.metrics) {
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
    if (!train_epoch()) {
      if (folder_ && Tally<Metrics>::savable) write_checkpoint();
      break;
    }
    finish_epoch();
    parts_.hooks.on_epoch_end(state_);
  }
  const bool finished = state_.epoch == state_.epochs || out_of_patience();
  if (parts_.average) parts_.weights = *parts_.average;
  state_.stopped_early = out_of_patience() && state_.epoch < state_.epochs;
  if (state_.stopped_early && best_) parts_.weights = *best_;
  if (folder_ && finished) save_weights(options_.run / "final.safetensors", parts_.weights, metadata());
  parts_.hooks.on_end(state_);
  return std::move(state_);
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::open_folder() {
  require_own_names(parts_.weights.slots());
  description_ = describe_samples(parts_.loader.samples(), parts_.name) + ", validation samples " +
                 std::to_string(parts_.validation_samples) + ", " +
                 describe(options_, updates_per_epoch()).text;
  folder_.emplace(options_.run);
  const std::vector<std::filesystem::path> checkpoints = checkpoints_of(options_.run);
  if (checkpoints.empty()) return;
  if (!options_.resume)
    throw Error(options_.run.string() + ": holds a run already; resume it, or choose another folder");
  WholeCheckpoint newest = newest_whole(checkpoints);
  CheckpointParts parts = checkpoint_parts();
  load_checkpoint(*newest.file, newest.name, parts, description_);
  step_.descent().set_steps(parts.updates);
  state_.epochs = options_.epochs;
  try {
    tally_.restore(parts.counts);
  } catch (const std::out_of_range&) {
    throw Error(newest.name + ": what it holds of the metrics is not what they save");
  }
  state_.loss = tally_.loss();
  state_.resumed = newest.name;
  state_.warnings = std::move(newest.damaged);
  // A run that was killed may have left these undone.
  folder_->forget(kept_, options_.keep);
  if (!state_.history.empty()) write_metrics(options_.run, state_.history);
  if (options_.patience > 0 && state_.best_epoch > 0) {
    best_ = parts_.weights.zeros_like();
    load_weights(options_.run / "best.safetensors", *best_);
  }
}

template <Optimizer O, class L, class Metrics, class Target>
Progress TrainingRun<O, L, Metrics, Target>::progress() const {
  const std::size_t updates = updates_per_epoch();
  const std::size_t done = (state_.step - state_.epoch * state_.steps_per_epoch) / options_.accumulate;
  return {state_.epoch * updates + done, state_.epochs * updates, updates};
}

template <Optimizer O, class L, class Metrics, class Target>
bool TrainingRun<O, L, Metrics, Target>::train_epoch() {
  const auto start = Clock::now();
  std::size_t seen = 0;  // since then
  for (const auto& batch :
       parts_.loader.epoch(state_.epoch, state_.step - state_.epoch * state_.steps_per_epoch)) {
    const double factor = options_.schedule(progress());
    ++state_.step;
    const double loss =
        named([&] { return step_.run(parts_.weights, batch, state_.step - 1, factor, workers_); });
    if (step_.complete()) follow();
    tally_.add(step_.outputs(), batch.targets(), loss);
    seen += batch.size();
    state_.loss = tally_.loss();
    state_.learning_rate = static_cast<double>(options_.optimizer.learning_rate) * factor;
    state_.images_per_second = static_cast<double>(seen) / std::max(seconds_since(start), 1e-9);
    if (checkpoint_is_due()) write_checkpoint();
    parts_.hooks.on_step(state_);
    if (state_.stop && step_.complete()) return false;
  }
  if (!step_.complete()) {  // fewer batches than make an update were left
    named([&] { step_.finish(parts_.weights, options_.schedule(progress()), workers_); });
    follow();
  }
  epoch_seconds_ = seconds_since(start);
  return true;
}

template <Optimizer O, class L, class Metrics, class Target>
void TrainingRun<O, L, Metrics, Target>::finish_epoch() {
  ++state_.epoch;
  EpochRecord record{state_.epoch, state_.step, {}};
  record.values.emplace_back("learning_rate", state_.learning_rate);
  record_metrics(record, "train", state_.loss, tally_.metrics());
  if (parts_.validate) {
    Metrics metrics = options_.metrics;
    const double loss = parts_.validate(metrics, workers_);
    record_metrics(record, "val", loss, metrics);
    monitor(loss, metrics);
  } else {
    monitor(state_.loss, tally_.metrics());
  }
  record.values.emplace_back("seconds", epoch_seconds_);
  record.values.emplace_back("images_per_second", state_.images_per_second);
  state_.history.push_back(std::move(record));
  if (options_.patience > 0 && state_.best_epoch == state_.epoch) best_ = judged();
  tally_ = Tally<Metrics>(options_.metrics);
  if (!folder_) return;
  if (state_.best_epoch == state_.epoch)
    save_weights(options_.run / "best.safetensors", judged(), metadata());
  write_checkpoint();
  write_metrics(options_.run, state_.history);
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
void TrainingRun<O, L, Metrics, Target>::write_checkpoint() {
  std::erase(kept_, state_.step);  // of the same step, when a run was stopped there
  kept_.push_back(state_.step);
  CheckpointParts parts = checkpoint_parts();
  parts.counts = tally_.counts();
  save_checkpoint(folder_->checkpoint(state_.step), parts, metadata(), description_);
  folder_->forget(kept_, options_.keep);
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class TrainingRun<AdamW, CrossEntropy, std::tuple<Accuracy>, int>;
CAPTCHA_INSTANTIATE class TrainingRun<SGD, CrossEntropy, std::tuple<Accuracy>, int>;
#endif

}  // namespace captcha
