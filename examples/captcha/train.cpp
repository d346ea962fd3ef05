// captcha train: teaches the network the characters of a folder.
#include <captcha/train.hpp>

#include "augmented.hpp"
#include "board.hpp"
#include "characters.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "option_checks.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

namespace captcha::app {
namespace {

struct TrainArguments {
  std::filesystem::path data;
  std::filesystem::path val_data;
  std::filesystem::path config;
  std::filesystem::path out = "runs/latest";
  std::filesystem::path pretrained;
  std::string freeze = "none";
  std::string group = "source";
  std::string on_bad_image = "fail";
  double val_fraction = 0.05;
  std::size_t epochs = 0;  ///< 0: as many as show the network `images_shown` images
  std::size_t batch = 64;
  double learning_rate = 2e-3;
  double weight_decay = 0.05;
  double label_smoothing = 0.05;
  double mixup = 0;
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
/// Images that a training run shows the network unless told how many epochs to run.
constexpr std::size_t images_shown = 100'000;

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
    Board board(arguments.tensorboard, arguments.out, data, arguments.seed);
    return arguments.quiet ? fit(weights, train, validation, options, at_start, stop, board)
                           : fit(weights, train, validation, options, at_start, stop, board, ProgressBar{});
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

/// Reads the configuration of a training run, which a resumed one finds in its own folder, and writes down
/// what was settled.
int configured_train(CLI::App& command, TrainArguments& a) {
  const std::filesystem::path own = a.out / "config.toml";
  const bool goes_on = a.config.empty() && a.resume && std::filesystem::exists(own);
  if (const auto config = goes_on ? own : a.config; !config.empty()) apply_config(command, config);
  if (a.data.empty()) throw CLI::RequiredError("--data");
  if (!checkpoints_of(a.out).empty() && !a.resume)
    throw Error(a.out.string() + ": holds a run already; give --resume to go on with it, or another --out");
  const std::string settled = resolved_config(command);
  return train(a, [settled, own] { write_text(own, settled); });
}

}  // namespace

void add_train(Commands& commands) {
  const auto a = std::make_shared<TrainArguments>();
  CLI::App* c = commands.add("train", "Teach the network the characters of a folder",
                             [a](CLI::App& command) { return configured_train(command, *a); });
  c->add_option("--data", a->data, "Folder of characters: <label>_<anything>.png");
  c->add_option("--val-data", a->val_data, "Folder to judge by; else a part of --data is kept back");
  c->add_option("--val-fraction", a->val_fraction, "The part of --data that is kept back")
      ->check(from_zero_to(0.9));
  c->add_option("--group", a->group, "Keep the characters of one CAPTCHA on one side of that split")
      ->check(CLI::IsMember({"source", "none"}));
  c->add_option("--config", a->config, "TOML file with any of these options; the command line wins");
  c->add_option("--out", a->out, "Folder of the run");
  c->add_option("--epochs", a->epochs, "Times through the data; 0: as many as show 100 000 images")
      ->check(whole(0));
  c->add_option("--batch", a->batch, "Images a step")->check(whole(1, 65536));
  c->add_option("--learning-rate", a->learning_rate, "Highest rate of the one-cycle schedule")
      ->check(above_zero());
  c->add_option("--weight-decay", a->weight_decay, "AdamW's, on weights of convolutions and the classifier")
      ->check(not_negative());
  c->add_option("--label-smoothing", a->label_smoothing, "Share of the target spread over all classes")
      ->check(from_zero_to(0.9));
  c->add_option("--mixup", a->mixup, "Blend images, with weights from Beta(a, a); 0: do not")
      ->check(not_negative());
  c->add_option("--average", a->average, "Decay of a moving average of the weights; 0: none")
      ->check(from_zero_to(0.99999));
  c->add_option("--clip", a->clip, "Longest gradient; 0: no limit")->check(not_negative());
  c->add_option("--patience", a->patience, "Stop after so many epochs without a new best; 0: never")
      ->check(whole(0));
  c->add_option("--checkpoint-steps", a->checkpoint_steps,
                "Save the run after so many steps, besides the end of every epoch; 0: do not")
      ->check(whole(0));
  c->add_option("--keep", a->keep, "Checkpoints that stay")->check(whole(1));
  c->add_flag("--augment,!--no-augment", a->augment,
              "Turn, shift, blur and strike through training images, or do not; by default they are")
      ->default_str(a->augment ? "true" : "false");
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_option(
       "--on-bad-image", a->on_bad_image,
       "What becomes of images that cannot be used: fail, skip, or quarantine (moved to DATA.quarantine)")
      ->check(CLI::IsMember({"fail", "skip", "quarantine"}));
  c->add_option("--pretrained", a->pretrained,
                "Start from these weights (safetensors, torchvision's or timm's names)");
  c->add_option("--freeze", a->freeze,
                "Leave as they are: none, backbone (all but the classifier), or a prefix like layer1");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--loader-threads", a->loader_threads, "Threads that prepare images; 0: those that compute")
      ->check(whole(0, 1024));
  c->add_option("--seed", a->seed, "Same seed, same weights")->check(whole(0));
  c->add_flag("--tensorboard", a->tensorboard, "Write event files into --out, for `tensorboard --logdir`");
  c->add_flag("--resume", a->resume, "Go on with the run in --out");
  c->add_flag("--quiet", a->quiet, "Print nothing but errors");
}

}  // namespace captcha::app
