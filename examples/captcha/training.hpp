// What the commands that train have in common: their options, their configuration, the course of a run.
#pragma once

#include <captcha/train.hpp>

#include "commands.hpp"
#include "config.hpp"
#include "model_file.hpp"
#include "option_checks.hpp"
#include "paths.hpp"
#include "tensorboard_with_inputs.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace captcha::app {

struct TrainingArguments {
  std::filesystem::path data;
  std::filesystem::path val_data;
  std::filesystem::path config;
  std::filesystem::path out = "runs/latest";
  std::filesystem::path pretrained;
  std::string freeze = "none";
  std::string on_bad_image = "fail";
  double val_fraction = 0.05;
  std::size_t images_shown = 100'000;  ///< to the network, unless told how many epochs to run
  std::size_t epochs = 0;              ///< 0: as many as that takes
  std::size_t batch = 64;
  double learning_rate = 2e-3;
  double weight_decay = 0.05;
  double label_smoothing = 0.05;
  double average = 0;
  double clip = 0;
  std::size_t patience = 0;
  std::size_t checkpoint_steps = 1000;
  std::size_t keep = 2;
  bool augment = true;
  bool resize = false;
  bool resume = false;
  bool tensorboard = false;
  bool quiet = false;
  int threads = 0;
  int loader_threads = 1;
  std::uint64_t seed = 1;
};

/// The options that all commands that train have. `images` is what the folder holds: "characters", say.
inline void add_training_options(CLI::App& command, TrainingArguments& a, const std::string& images) {
  CLI::App* const c = &command;
  c->add_option("--data", a.data, "Folder of " + images)->type_name("DIR");
  c->add_option("--val-data", a.val_data, "Folder to judge by; else a part of --data is kept back")
      ->type_name("DIR");
  c->add_option("--val-fraction", a.val_fraction, "The part of --data that is kept back")
      ->check(from_zero_to(0.9));
  c->add_option("--config", a.config, "TOML file with any of these options; the command line wins")
      ->type_name("FILE");
  c->add_option("--out", a.out, "Folder of the run")->type_name("DIR");
  c->add_option(
       "--epochs", a.epochs,
       "Times through the data; 0: as many as show " + std::to_string(a.images_shown / 1000) + " 000 images")
      ->check(whole(0));
  c->add_option("--batch", a.batch, "Images a step")->check(whole(1, 65536));
  c->add_option("--learning-rate", a.learning_rate, "Highest rate of the one-cycle schedule")
      ->check(above_zero());
  c->add_option("--weight-decay", a.weight_decay, "AdamW's, on weights of convolutions and the classifier")
      ->check(not_negative());
  c->add_option("--label-smoothing", a.label_smoothing, "Share of the target spread over all classes")
      ->check(from_zero_to(0.9));
  c->add_option("--average", a.average, "Decay of a moving average of the weights; 0: none")
      ->check(from_zero_to(0.99999));
  c->add_option("--clip", a.clip, "Longest gradient; 0: no limit")->check(not_negative());
  c->add_option("--patience", a.patience, "Stop after so many epochs without a new best; 0: never")
      ->check(whole(0));
  c->add_option("--checkpoint-steps", a.checkpoint_steps,
                "Save the run after so many steps, besides the end of every epoch; 0: do not")
      ->check(whole(0));
  c->add_option("--keep", a.keep, "Checkpoints that stay")->check(whole(1));
  c->add_flag("--augment,!--no-augment", a.augment,
              "Turn, shift, blur and strike through training images, or do not; by default they are")
      ->default_str(a.augment ? "true" : "false");
  c->add_flag("--resize", a.resize, "Accept images of other sizes");
  c->add_option(
       "--on-bad-image", a.on_bad_image,
       "What becomes of images that cannot be used: fail, skip, or quarantine (moved to DATA.quarantine)")
      ->check(CLI::IsMember({"fail", "skip", "quarantine"}));
  c->add_option("--pretrained", a.pretrained,
                "Start from these weights (safetensors, torchvision's or timm's names)")
      ->type_name("FILE");
  c->add_option("--freeze", a.freeze,
                "Leave as they are: none, backbone (all but the classifier), or a prefix like layer1")
      ->check(not_empty("none, backbone, or the beginning of names, like layer1"));
  c->add_option("--threads", a.threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--loader-threads", a.loader_threads, "Threads that prepare images; 0: those that compute")
      ->check(whole(0, 1024));
  c->add_option("--seed", a.seed, "Same seed, same weights")->check(whole(0));
  c->add_flag("--tensorboard", a.tensorboard, "Write event files into --out, for `tensorboard --logdir`");
  c->add_flag("--resume", a.resume, "Go on with the run in --out");
  c->add_flag("--quiet", a.quiet, "Print nothing but errors");
}

/// Reads the configuration of a training run, which a resumed one finds in its own folder, and calls
/// train(started); `started` is to be called when the run starts, and writes down what was settled. Whether
/// there is enough to train on is checked in between: `complete` throws what is missing.
template <class Complete, class Train>
int configured_training(CLI::App& command, const TrainingArguments& a, Complete&& complete, Train&& train) {
  const std::filesystem::path own = a.out / "config.toml";
  const bool goes_on = a.config.empty() && a.resume && is_there(own);
  if (const auto config = goes_on ? own : a.config; !config.empty()) apply_config(command, config);
  complete();
  if (!checkpoints_of(a.out).empty() && !a.resume)
    throw Error(a.out.string() + ": holds a run already; give --resume to go on with it, or another --out");
  const std::string settled = resolved_config(command);
  return train([settled, own] { write_text(own, settled); });
}

inline BadFiles on_bad_image(const std::string& name) {
  return name == "skip" ? BadFiles::skip : name == "quarantine" ? BadFiles::quarantine : BadFiles::fail;
}

/// Says what a run learns from, before anything is said on standard error.
inline void tell_images(const TrainingArguments& a, std::size_t images, const std::filesystem::path& folder) {
  if (a.quiet) return;
  std::printf("%zu images of %s\n", images, folder.c_str());
  std::fflush(stdout);
}

/// Error when keeping back a part of the data leaves none to judge by.
inline void require_validation(const TrainingArguments& a, std::size_t kept_back, std::size_t images) {
  if (kept_back == 0 || kept_back == images)
    throw Error(a.data.string() + ": --val-fraction " + json_number(a.val_fraction) + " of its " +
                std::to_string(images) + " images leaves none to " + (kept_back == 0 ? "judge" : "train on") +
                "; give " + (kept_back == 0 ? "more" : "less") + ", or --val-data");
}

inline std::vector<ParameterGroup> groups_of(const TrainingArguments& a) {
  if (a.freeze == "none") return {};
  if (a.freeze == "backbone") return {{.prefix = "", .frozen = true}, {.prefix = "fc", .frozen = false}};
  return {{.prefix = a.freeze, .frozen = true}};
}

/// What else must not change in a run that goes on, of what all commands that train have.
inline std::string common_settings(const TrainingArguments& a) {
  return std::string("augmentation ") + (a.augment ? "yes" : "no") + ", pretrained " +
         (a.pretrained.empty() ? "no" : "'" + a.pretrained.string() + "'");
}

/// New weights, or those of --pretrained as far as they fit.
template <class Net>
Weights<Net> first_weights(const TrainingArguments& a) {
  Weights<Net> weights(a.seed);
  if (a.resume && !checkpoints_of(a.out).empty()) return weights;  // the run's own take their place
  if (a.pretrained.empty()) {
    if (a.freeze == "backbone")
      std::fprintf(stderr,
                   "warning: --freeze backbone without --pretrained: only the classifier learns, from "
                   "what random weights see\n");
    return weights;
  }
  const SafetensorsFile file = SafetensorsFile::read(a.pretrained);
  const LoadReport report =
      load_weights(file, a.pretrained.string(), weights, {.strict = false, .adapt = true});
  if (!a.quiet) {
    note_integrity(file, a.pretrained);
    std::printf("%s: %s\n", a.pretrained.c_str(), report.text().c_str());
  }
  return weights;
}

/// What fit is told of a run on `images` images; `settings` names what else must not change when it goes on.
template <class L, class Metrics>
FitOptions<AdamW, L, Metrics> fit_options(const TrainingArguments& a, std::size_t images, const L& loss,
                                          const Metrics& metrics, const std::string& settings,
                                          const ModelInfo& info) {
  return {.epochs = a.epochs > 0
                        ? a.epochs
                        : std::clamp<std::size_t>(a.images_shown / std::max<std::size_t>(images, 1), 3, 200),
          .batch_size = a.batch,
          .optimizer = {.learning_rate = static_cast<float>(a.learning_rate),
                        .weight_decay = static_cast<float>(a.weight_decay)},
          .loss = loss,
          .metrics = metrics,
          .schedule = OneCycle{},
          .groups = groups_of(a),
          .clip_norm = a.clip,
          .average_decay = a.average,
          .patience = a.patience,
          .threads = a.threads,
          .loader_threads = a.loader_threads,
          .seed = a.seed,
          .run = a.out,
          .resume = a.resume,
          .checkpoint_steps = a.checkpoint_steps,
          .keep = a.keep,
          .settings = settings,
          .info = info};
}

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

/// fit, with event files if asked for and a progress bar unless it shall be quiet; Ctrl-C and SIGTERM stop
/// it.
template <class Net, class Train, class Validation, class L, class Metrics>
FitResult fit_and_show(Weights<Net>& weights, const Train& train, const Validation& validation,
                       const FitOptions<AdamW, L, Metrics>& options, const std::function<void()>& started,
                       const TrainingArguments& a) {
  const AtStart at_start{started, a.quiet};
  const StopOnSignal stop;
  TensorBoardWithInputs board(a.tensorboard, a.out, train, a.seed);
  return a.quiet ? fit(weights, train, validation, options, at_start, stop, board)
                 : fit(weights, train, validation, options, at_start, stop, board, ProgressBar{});
}

/// Tells how a run ended, which judged by the metric of that name: its exit code.
inline int report_end(const FitResult& result, const TrainingArguments& a, const std::string& command,
                      const std::string& metric, std::size_t trained_on, std::size_t judged_on) {
  if (const int signal = StopOnSignal::received();
      signal != 0 && result.epoch < result.epochs && !result.stopped_early) {
    std::fprintf(
        stderr, "stopped after step %zu, in epoch %zu of %zu; go on with: captcha %s --resume --out %s\n",
        result.step, result.epoch + 1, result.epochs, command.c_str(), as_shell_word(a.out.string()).c_str());
    return 128 + signal;
  }
  if (!a.quiet && !result.history.empty())
    std::printf(
        "trained on %zu images, judged on %zu others: %.2f %% right (best %.2f %% after epoch %zu)\nmodel: "
        "%s\n",
        trained_on, judged_on, 100 * result.history.back()["val_" + metric], 100 * result.best,
        result.best_epoch, (a.out / "final.safetensors").c_str());
  return 0;
}

}  // namespace captcha::app
