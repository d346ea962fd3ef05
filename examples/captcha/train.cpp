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

/// Calls a function when the run starts, and says from where.
struct AtStart {
  const std::function<void()>& call;
  bool quiet;
  void on_start(const TrainingState& state) const {
    for (const std::string& warning : state.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
    if (!state.resumed.empty() && !(quiet && state.warnings.empty()))
      std::fprintf(stderr, "going on after step %zu, from %s\n", state.step, state.resumed.c_str());
    call();
  }
};

BadFiles on_bad_image(const std::string& name) {
  return name == "skip" ? BadFiles::skip : name == "quarantine" ? BadFiles::quarantine : BadFiles::fail;
}

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
    const SafetensorsFile file = SafetensorsFile::read(arguments.pretrained);
    const LoadReport report =
        load_weights(file, arguments.pretrained.string(), weights, {.strict = false, .adapt = true});
    if (!arguments.quiet) {
      note_integrity(file, arguments.pretrained);
      std::printf("%s: %s\n", arguments.pretrained.c_str(), report.text().c_str());
    }
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
      .checkpoint_steps = arguments.checkpoint_steps,
      .keep = arguments.keep,
      .settings = settings_of(arguments),
      .info = character_info()};
  const auto go = [&](const auto& train) {
    const AtStart at_start{started, arguments.quiet};
    const StopOnSignal stop;
    return arguments.quiet ? fit(weights, train, validation, options, at_start, stop)
                           : fit(weights, train, validation, options, at_start, stop, ProgressBar{});
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
  if (const int signal = StopOnSignal::received();
      signal != 0 && result.epoch < result.epochs && !result.stopped_early) {
    std::fprintf(stderr,
                 "stopped after step %zu, in epoch %zu of %zu; go on with: captcha train --resume --out %s\n",
                 result.step, result.epoch + 1, result.epochs, arguments.out.c_str());
    return 128 + signal;
  }
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
  const BadFiles bad = on_bad_image(arguments.on_bad_image);
  const Characters data = open_characters(arguments.data, arguments.resize, bad);
  if (!arguments.quiet) std::printf("%zu images of %s\n", data.size(), arguments.data.c_str());
  std::size_t left_out = data.report().size();
  const auto told = [&](int code) {
    if (left_out > 0)
      std::fprintf(stderr, "%zu bad %s left out; named above\n", left_out,
                   left_out == 1 ? "image was" : "images were");
    return code;
  };
  if (!arguments.val_data.empty()) {
    const Characters judged = open_characters(arguments.val_data, arguments.resize, bad);
    left_out += judged.report().size();
    return told(run_and_tell(arguments, started, data, judged));
  }
  const auto [train_part, validation] =
      split(data, {1 - arguments.val_fraction, arguments.val_fraction},
            {.seed = arguments.seed, .grouped = arguments.group == "source"});
  if (validation.size() == 0)
    throw Error(arguments.data.string() + ": --val-fraction " + std::to_string(arguments.val_fraction) +
                " of its " + std::to_string(data.size()) +
                " images leaves none to judge; give more, or --val-data");
  return told(run_and_tell(arguments, started, train_part, validation));
}

}  // namespace captcha::app
