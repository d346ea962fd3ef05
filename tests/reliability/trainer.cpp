// A small program that trains as `captcha train` does, for tests that kill it:
// reliability_trainer FOLDER [epochs=2] [steps=2] [keep=2] [patience=0] [accumulate=1] [average=0.9]
//                            [loaders=1] [resume=1] [signal=STEP] [signals=1] [number=2] [slow=MILLISECONDS]
#include "small_run.hpp"

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

int run(int argc, char** argv) {
  if (argc < 2) throw std::invalid_argument("no folder");
  captcha::FitOptions<> options = small_run::options(argv[1]);
  small_run::AtStep at_step;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) throw std::invalid_argument(argv[i]);
    const std::string_view name = word.substr(0, equals);
    const std::string value(word.substr(equals + 1));
    if (name == "epochs")
      options.epochs = std::stoul(value);
    else if (name == "steps")
      options.checkpoint_steps = std::stoul(value);
    else if (name == "keep")
      options.keep = std::stoul(value);
    else if (name == "patience")
      options.patience = std::stoul(value);
    else if (name == "accumulate")
      options.accumulate = std::stoul(value);
    else if (name == "average")
      options.average_decay = std::stod(value);
    else if (name == "loaders")
      options.loader_threads = std::stoi(value);
    else if (name == "resume")
      options.resume = value == "1";
    else if (name == "signal")
      at_step.signal_step = std::stoul(value);
    else if (name == "signals")
      at_step.signals = std::stoi(value);
    else if (name == "number")
      at_step.signal = std::stoi(value);
    else if (name == "slow")
      at_step.milliseconds = std::stoi(value);
    else
      throw std::invalid_argument(argv[i]);
  }
  const captcha::FitResult result = small_run::train(options, at_step);
  for (const std::string& warning : result.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  const int signal = captcha::StopOnSignal::received();
  return signal != 0 && result.epoch < result.epochs && !result.stopped_early ? 128 + signal : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reliability_trainer: %s\n", error.what());
    return 1;
  }
}
