// A progress bar as a callback of fit.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/train/progress_line.hpp>
#include <captcha/train/state.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

namespace captcha {

/// Shows how a run goes on `stream`: a bar that redraws itself on a terminal, else a line every five seconds;
/// and in both cases one line an epoch.
class ProgressBar {
 public:
  explicit ProgressBar(std::FILE* stream = stderr) : line_(stream) {}

  void on_epoch_start(const TrainingState& state) {
    epoch_start_ = Clock::now();
    first_step_ = state.step;
  }

  void on_step(const TrainingState& state);

  void on_epoch_end(const TrainingState& state);

  void on_end(const TrainingState& state);

 private:
  using Clock = std::chrono::steady_clock;

  ProgressLine line_;
  Clock::time_point epoch_start_{};
  std::size_t first_step_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void ProgressBar::on_step(const TrainingState& state) {
  if (!line_.due()) return;
  const std::size_t done = state.step - state.epoch * state.steps_per_epoch;
  const double elapsed = std::chrono::duration<double>(Clock::now() - epoch_start_).count();
  const double left = elapsed / static_cast<double>(std::max<std::size_t>(state.step - first_step_, 1)) *
                      static_cast<double>(state.epochs * state.steps_per_epoch - state.step);
  char text[160];
  std::snprintf(text, sizeof text, "epoch %zu/%zu %s %zu/%zu  loss %.4f  %.0f images/s  %s left",
                state.epoch + 1, state.epochs, ProgressLine::bar(done, state.steps_per_epoch).c_str(), done,
                state.steps_per_epoch, state.loss, state.images_per_second,
                ProgressLine::clock_text(left).c_str());
  line_.show(text);
}

CAPTCHA_INLINE void ProgressBar::on_epoch_end(const TrainingState& state) {
  std::string line = "epoch " + std::to_string(state.epoch) + "/" + std::to_string(state.epochs);
  for (const auto& [name, value] : state.history.back().values) {
    char text[64];
    const bool share = name.find("accuracy") != name.npos || name.find("exact_match") != name.npos ||
                       name.find("_top") != name.npos;
    if (name == "seconds")
      std::snprintf(text, sizeof text, "  %.1f s", value);
    else if (name == "images_per_second")
      std::snprintf(text, sizeof text, "  %.0f images/s", value);
    else if (name == "learning_rate")
      std::snprintf(text, sizeof text, "  rate %.2g", value);
    else if (share)
      std::snprintf(text, sizeof text, "  %s %.2f %%", name.c_str(), 100 * value);
    else
      std::snprintf(text, sizeof text, "  %s %.4f", name.c_str(), value);
    line += text;
  }
  line_.keep(line);
}

CAPTCHA_INLINE void ProgressBar::on_end(const TrainingState& state) {
  line_.wipe();
  if (state.stopped_early)
    line_.keep("stopped after epoch " + std::to_string(state.epoch) + ": no better one since epoch " +
               std::to_string(state.best_epoch) + ", whose weights are kept");
}
#endif

}  // namespace captcha
