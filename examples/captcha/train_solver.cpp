// captcha train-solver: teaches a network to read whole CAPTCHAs.
#include <captcha/train.hpp>

#include "augmented_captchas.hpp"
#include "captchas.hpp"
#include "commands.hpp"
#include "drawn_captchas.hpp"
#include "option_checks.hpp"
#include "training.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <tuple>

namespace captcha::app {
namespace {

struct TrainSolverArguments : TrainingArguments {
  std::size_t drawn = 2000;
  bool trust_jpeg = false;
};

/// What must not change in a run that goes on and fit does not know of.
std::string settings_of(const TrainSolverArguments& arguments) {
  return "drawn " + std::to_string(arguments.drawn) + ", " + common_settings(arguments);
}

template <class Train, class Validation>
int run(const TrainSolverArguments& arguments, const std::function<void()>& started, const Train& data,
        const Validation& validation) {
  const auto judged = map(validation, Standardise{});
  Weights<SolverNetwork> weights = first_weights<SolverNetwork>(arguments);
  // Every head is a classifier of its own; what counts is that all of them are right.
  const auto options = fit_options(
      arguments, data.size(),
      MeanOverHeads<CrossEntropy>{{.label_smoothing = static_cast<float>(arguments.label_smoothing)}},
      std::tuple<ExactMatch, OverHeads<Accuracy>>{}, settings_of(arguments), solver_info());
  const auto go = [&](const auto& train) {
    return fit_and_show(weights, train, judged, options, started, arguments);
  };
  const FitResult result = arguments.augment ? go(augmented_captchas(data)) : go(map(data, Standardise{}));
  return report_end(result, arguments, "train-solver", "exact_match", data.size(), judged.size());
}

/// The same on labelled images and drawn ones together.
template <class Train, class Validation>
int run_with_drawn(const TrainSolverArguments& arguments, const std::function<void()>& started,
                   const Train& data, const Validation& validation) {
  if (arguments.drawn == 0) return run(arguments, started, data, validation);
  return run(arguments, started, concat(data, DrawnCaptchas(arguments.drawn)), validation);
}

int train_solver(const TrainSolverArguments& arguments, const std::function<void()>& started) {
  std::size_t left_out = 0;
  const auto open = [&](const std::filesystem::path& folder) {
    Captchas captchas(folder, {arguments.resize, arguments.trust_jpeg}, on_bad_image(arguments.on_bad_image));
    name_bad_files(captchas.report());
    left_out += captchas.report().size();
    tell_images(arguments, captchas.size(), folder);
    return captchas;
  };
  const auto told = [&](int code) {
    count_bad_files(left_out);
    return code;
  };
  if (arguments.data.empty()) {
    const DrawnCaptchas drawn(arguments.drawn);
    if (arguments.val_data.empty())
      return run(arguments, started, drawn, DrawnCaptchas(drawn_to_judge, drawn_seed));
    return told(run(arguments, started, drawn, open(arguments.val_data)));
  }
  const Captchas data = open(arguments.data);
  if (!arguments.val_data.empty())
    return told(run_with_drawn(arguments, started, data, open(arguments.val_data)));
  const auto [train_part, validation] =
      split(data, {1 - arguments.val_fraction, arguments.val_fraction}, {.seed = arguments.seed});
  require_validation(arguments, validation.size(), data.size());
  return told(run_with_drawn(arguments, started, train_part, validation));
}

}  // namespace

void add_train_solver(Commands& commands) {
  const auto a = std::make_shared<TrainSolverArguments>();
  a->val_fraction = 0.1;
  a->label_smoothing = 0;
  a->images_shown = 60'000;
  CLI::App* c =
      commands.add("train-solver", "Teach a network to read whole CAPTCHAs", [a](CLI::App& command) {
        const auto complete = [&] {
          if (a->data.empty() && a->drawn == 0) throw CLI::RequiredError("--data or --drawn");
        };
        return configured_training(command, *a, complete,
                                   [a](const auto& started) { return train_solver(*a, started); });
      });
  add_training_options(*c, *a, "200 x 50 CAPTCHAs named by their solution: 2b827.png");
  c->add_option("--drawn", a->drawn, "CAPTCHAs that are drawn anew for every epoch, besides those of --data")
      ->check(whole(0, 100'000'000));
  c->add_flag("--trust-jpeg", a->trust_jpeg,
              "Read JPEG files too; only for files you trust: the decoder has open security holes");
  c->footer(
      "Examples:\n"
      "  captcha train-solver --data captchas --out runs/solver\n"
      "  captcha train-solver --drawn 20000 --out runs/drawn      # nothing labelled at hand\n"
      "  captcha train-solver --resume --out runs/solver          # goes on after Ctrl-C");
}

}  // namespace captcha::app
