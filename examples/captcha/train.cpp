// captcha train: teaches the network the characters of a folder.
#include <captcha/train.hpp>

#include "augmented.hpp"
#include "characters.hpp"
#include "commands.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace captcha::app {
namespace {

/// Calls a function when the run starts.
struct AtStart {
  const std::function<void()>& call;
  void on_start(const TrainingState&) const { call(); }
};

std::vector<ParameterGroup> groups_of(const TrainArguments& arguments) {
  if (arguments.freeze == "none") return {};
  if (arguments.freeze == "backbone")
    return {{.prefix = "", .frozen = true}, {.prefix = "fc", .frozen = false}};
  return {{.prefix = arguments.freeze, .frozen = true}};
}

/// What must not change in a run that goes on and fit does not know of.
std::string settings_of(const TrainArguments& arguments) {
  return "label smoothing " + json_number(arguments.label_smoothing) + ", mixup " +
         json_number(arguments.mixup) + ", augmentation " + (arguments.augment ? "yes" : "no");
}

template <class Train, class Validation>
FitResult run(const TrainArguments& arguments, const std::function<void()>& started, const Train& data,
              const Validation& validation) {
  Weights<Network> weights(arguments.seed);
  if (!arguments.pretrained.empty()) {
    const LoadReport report = load_weights(arguments.pretrained, weights, {.strict = false, .adapt = true});
    if (!arguments.quiet) std::printf("%s: %s\n", arguments.pretrained.c_str(), report.text().c_str());
  }
  const FitOptions<> options{
      .epochs = arguments.epochs > 0
                    ? arguments.epochs
                    : std::clamp<std::size_t>(images_shown / std::max<std::size_t>(data.size(), 1), 3, 200),
      .batch_size = arguments.batch,
      .optimizer = {.learning_rate = static_cast<float>(arguments.learning_rate),
                    .weight_decay = static_cast<float>(arguments.weight_decay)},
      .loss = {.label_smoothing = static_cast<float>(arguments.label_smoothing)},
      .schedule = OneCycle{},
      .groups = groups_of(arguments),
      .clip_norm = arguments.clip,
      .average_decay = arguments.average,
      .patience = arguments.patience,
      .threads = arguments.threads,
      .loader_threads = arguments.loader_threads,
      .seed = arguments.seed,
      .run = arguments.out,
      .resume = arguments.resume,
      .settings = settings_of(arguments),
      .info = character_info()};
  const auto go = [&](const auto& train) {
    return arguments.quiet ? fit(weights, train, validation, options, AtStart{started})
                           : fit(weights, train, validation, options, AtStart{started}, ProgressBar{});
  };
  if (arguments.mixup > 0) return go(mixup(data, {.alpha = arguments.mixup}));
  return go(data);
}

template <class Train, class Validation>
int run_and_tell(const TrainArguments& arguments, const std::function<void()>& started, const Train& data,
                 const Validation& validation) {
  const auto judged = map(validation, Standardise{});
  const FitResult result = arguments.augment ? run(arguments, started, augmented(data), judged)
                                             : run(arguments, started, map(data, Standardise{}), judged);
  if (!arguments.quiet && !result.history.empty())
    std::printf(
        "trained on %zu images, judged on %zu others: %.2f %% right (best %.2f %% after epoch %zu)\nmodel: "
        "%s\n",
        data.size(), judged.size(), 100 * result.history.back()["val_accuracy"], 100 * result.best,
        result.best_epoch, (arguments.out / "final.safetensors").c_str());
  return 0;
}

}  // namespace

int train(const TrainArguments& arguments, const std::function<void()>& started) {
  const Characters data = open_characters(arguments.data, arguments.resize);
  if (!arguments.quiet) std::printf("%zu images of %s\n", data.size(), arguments.data.c_str());
  if (!arguments.val_data.empty())
    return run_and_tell(arguments, started, data, open_characters(arguments.val_data, arguments.resize));
  const auto [train_part, validation] =
      split(data, {1 - arguments.val_fraction, arguments.val_fraction},
            {.seed = arguments.seed, .grouped = arguments.group == "source"});
  if (validation.size() == 0)
    throw Error(arguments.data.string() + ": --val-fraction " + std::to_string(arguments.val_fraction) +
                " of its " + std::to_string(data.size()) +
                " images leaves none to judge; give more, or --val-data");
  return run_and_tell(arguments, started, train_part, validation);
}

}  // namespace captcha::app
