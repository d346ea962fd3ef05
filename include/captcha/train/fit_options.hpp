// What fit can be told.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/description.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/loss/loss.hpp>
#include <captcha/metric/metrics.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/optim/groups.hpp>
#include <captcha/optim/schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace captcha {

/// Everything fit can be told. The types have defaults, so `fit(weights, data, {.epochs = 20})` reads well;
/// with another optimizer, loss or metrics write FitOptions<SGD, MeanSquaredError, std::tuple<>>{…}.
template <Optimizer O = AdamW, class L = CrossEntropy, class Metrics = std::tuple<Accuracy>>
struct FitOptions {
  std::size_t epochs = 20;
  std::size_t batch_size = 64;
  O optimizer = O();  // = O(), not {}: g++ 12 destroys members that are braced twice when a later one throws
  L loss = L();
  Metrics metrics =
      Metrics();  ///< the first one (or else the loss) on the validation data decides which epoch is best
  AnySchedule schedule = OneCycle{};
  std::vector<ParameterGroup> groups = {};
  bool decay_all = false;      ///< weight decay on biases and norms too
  double clip_norm = 0;        ///< longest gradient; 0 for no limit
  std::size_t accumulate = 1;  ///< batches per update
  double average_decay = 0;    ///< of an exponential moving average of the weights, which is then what is
                               ///< validated and returned; 0 for none
  std::size_t patience = 0;    ///< epochs without a new best after which the run stops, with the weights of
                               ///< the best epoch; 0: never
  int threads = 0;             ///< that compute; 0 for as many as the machine has
  int loader_threads = 1;      ///< that prepare batches
  std::uint64_t seed = 0;      ///< of order, augmentation and dropout
  std::filesystem::path run =
      {};               ///< folder for metrics.jsonl, metrics.csv, checkpoints, best and final.safetensors
  bool resume = false;  ///< go on from the newest checkpoint of that folder, if there is one
  std::size_t checkpoint_steps = 1000;  ///< steps after which a long epoch is saved; 0: only its end is
  std::size_t keep = 2;                 ///< checkpoints that stay; older ones of the run are removed
  std::string settings =
      {};  ///< what else must not change in a run that goes on ("augmentation strong"): it is compared
  ModelInfo info =
      ModelInfo();  ///< what the model files say of the model; input and classes are taken from the data
};

/// As many threads as the machine has processors.
inline int all_threads() {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// Error "fit: what" unless it holds.
CAPTCHA_INLINE void require_option(bool holds, const char* what);

/// Error unless each option lies in its range.
template <class O, class L, class Metrics>
void require_valid(const FitOptions<O, L, Metrics>& options) {
  const auto in_range = [](double value, double least, double below) {
    return value >= least && value < below;
  };
  constexpr double any = std::numeric_limits<double>::infinity();
  require_option(options.epochs > 0 && options.accumulate > 0 && options.keep > 0,
                 "epochs, accumulate and keep must be at least 1");
  require_option(in_range(static_cast<double>(options.optimizer.learning_rate), 1e-30, any),
                 "the learning rate must be positive");
  require_option(in_range(static_cast<double>(options.optimizer.weight_decay), 0, any),
                 "the weight decay must not be negative");
  require_option(in_range(options.clip_norm, 0, any), "clip_norm must not be negative");
  require_option(in_range(options.average_decay, 0, 1), "average_decay must be at least 0 and less than 1");
  require_option(static_cast<bool>(options.schedule), "the schedule is empty");
  for (const ParameterGroup& group : options.groups)
    require_option(in_range(static_cast<double>(group.rate), 0, any) &&
                       in_range(static_cast<double>(group.weight_decay.value_or(0.0f)), 0, any),
                   "rate and weight decay of a parameter group must not be negative");
}

/// What of the options must be the same in a run that goes on. Of a schedule its values at a few places are
/// compared; of an optimizer, the loss and the metrics what they say of themselves.
template <class O, class L, class Metrics>
Description describe(const FitOptions<O, L, Metrics>& options, std::size_t updates_per_epoch) {
  Description all;
  all.add("epochs", options.epochs);
  all.add("batch size", options.batch_size);
  all.add("seed", options.seed);
  all.add("accumulate", options.accumulate);
  all.add("moments", O::moments);
  all.add("learning rate", options.optimizer.learning_rate);
  all.add("weight decay", options.optimizer.weight_decay);
  all.add("decay on all", options.decay_all);
  all.add_part(options.optimizer);
  all.add_part(options.loss);
  std::apply([&](const auto&... metric) { (all.add("metric", metric.name()), ...); }, options.metrics);
  all.add("clip", options.clip_norm);
  all.add("average", options.average_decay);
  all.add("patience", options.patience);
  constexpr std::size_t places = 8;
  const std::size_t updates = options.epochs * updates_per_epoch;
  for (std::size_t place = 0; place < places; ++place)
    all.add_rounded("schedule", options.schedule({place * updates / places, updates, updates_per_epoch}));
  for (const ParameterGroup& group : options.groups) {
    all.add("group", "'" + group.prefix + "'");
    all.add("rate", group.rate);
    all.add("decay", group.weight_decay.value_or(-1.0f));
    all.add("frozen", group.frozen);
  }
  if (!options.settings.empty()) all.text.append(", ").append(options.settings);
  return all;
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void require_option(bool holds, const char* what) {
  if (!holds) throw Error(std::string("fit: ") + what);
}
#endif

}  // namespace captcha
