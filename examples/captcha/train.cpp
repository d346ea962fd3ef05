// captcha train: teaches the network the characters of a folder.
#include <captcha/train.hpp>

#include "augmented.hpp"
#include "characters.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "training.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace captcha::app {
namespace {

struct TrainArguments : TrainingArguments {
  std::string group = "source";
  double mixup = 0;
};

/// What must not change in a run that goes on and fit does not know of.
std::string settings_of(const TrainArguments& arguments) {
  return "mixup " + json_number(arguments.mixup) + ", " + common_settings(arguments);
}

template <class Train, class Validation>
FitResult run(const TrainArguments& arguments, const std::function<void()>& started, const Train& data,
              const Validation& validation) {
  Weights<Network> weights = first_weights<Network>(arguments);
  const auto options = fit_options(
      arguments, data.size(), CrossEntropy{.label_smoothing = static_cast<float>(arguments.label_smoothing)},
      std::tuple<Accuracy>{}, settings_of(arguments), character_info());
  const auto go = [&](const auto& train) {
    return fit_and_show(weights, train, validation, options, started, arguments);
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
  return report_end(result, arguments, "train", "accuracy", data.size(), judged.size());
}

int train(const TrainArguments& arguments, const std::function<void()>& started) {
  const BadFiles bad = on_bad_image(arguments.on_bad_image);
  const Characters data = open_characters(arguments.data, arguments.resize, bad);
  tell_images(arguments, data.size(), arguments.data);
  std::size_t left_out = data.report().size();
  const auto told = [&](int code) {
    count_bad_files(left_out);
    return code;
  };
  if (!arguments.val_data.empty()) {
    const Characters judged = open_characters(arguments.val_data, arguments.resize, bad);
    left_out += judged.report().size();
    return told(run_and_tell(arguments, started, data, judged));
  }
  const auto [train_part, validation] =
      keep_back(data, arguments.val_fraction, arguments.seed, arguments.group == "source");
  require_validation(arguments, validation.size(), data.size());
  return told(run_and_tell(arguments, started, train_part, validation));
}

}  // namespace

void add_train(Commands& commands) {
  const auto a = std::make_shared<TrainArguments>();
  CLI::App* c = commands.add("train", "Teach the network the characters of a folder", [a](CLI::App& command) {
    const auto complete = [&] {
      if (a->data.empty()) throw CLI::RequiredError("--data");
    };
    return configured_training(command, *a, complete,
                               [a](const auto& started) { return train(*a, started); });
  });
  add_training_options(*c, *a, "characters: <label>_<anything>.png");
  c->add_option("--group", a->group, "Keep the characters of one CAPTCHA on one side of that split")
      ->check(CLI::IsMember({"source", "none"}));
  c->add_option("--mixup", a->mixup, "Blend images, with weights from Beta(a, a); 0: do not")
      ->check(not_negative());
  c->footer(
      "Examples:\n"
      "  captcha train --data characters --out runs/first\n"
      "  captcha train --resume --out runs/first                # goes on after Ctrl-C\n"
      "  captcha train --config runs/first/config.toml --seed 2 --out runs/second\n"
      "  captcha train --data mine --pretrained resnet18.safetensors --freeze backbone --out runs/mine");
}

}  // namespace captcha::app
