// A progress bar as a callback of fit.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/train/state.hpp>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace captcha {

/// Shows how a run goes on `stream`: a bar that redraws itself on a terminal, else a line every ten seconds;
/// and in both cases one line an epoch.
class ProgressBar {
 public:
  explicit ProgressBar(std::FILE* stream = stderr)
      : stream_(stream), terminal_(::isatty(::fileno(stream)) == 1) {}

  void on_epoch_start(const TrainingState& state) {
    epoch_start_ = drawn_ = Clock::now();
    first_step_ = state.step;
  }

  void on_step(const TrainingState& state);

  void on_epoch_end(const TrainingState& state);

  void on_end(const TrainingState& state);

 private:
  using Clock = std::chrono::steady_clock;

  static std::string bar(std::size_t done, std::size_t all);
  static std::string clock_text(double seconds);

  std::FILE* stream_;
  bool terminal_;
  Clock::time_point epoch_start_{};
  Clock::time_point drawn_{};
  std::size_t first_step_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void ProgressBar::on_step(const TrainingState& state) {
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - drawn_).count() < (terminal_ ? 0.1 : 10.0)) return;
  drawn_ = now;
  const std::size_t done = state.step - state.epoch * state.steps_per_epoch;
  const double elapsed = std::chrono::duration<double>(now - epoch_start_).count();
  const double left = elapsed / static_cast<double>(std::max<std::size_t>(state.step - first_step_, 1)) *
                      static_cast<double>(state.epochs * state.steps_per_epoch - state.step);
  char text[160];
  std::snprintf(text, sizeof text, "epoch %zu/%zu %s %zu/%zu  loss %.4f  %.0f images/s  %s left",
                state.epoch + 1, state.epochs, bar(done, state.steps_per_epoch).c_str(), done,
                state.steps_per_epoch, state.loss, state.images_per_second, clock_text(left).c_str());
  std::fprintf(stream_, terminal_ ? "\r%s\033[K" : "%s\n", text);
  std::fflush(stream_);
}

CAPTCHA_INLINE void ProgressBar::on_epoch_end(const TrainingState& state) {
  std::string line = terminal_ ? "\r" : "";
  line += "epoch " + std::to_string(state.epoch) + "/" + std::to_string(state.epochs);
  for (const auto& [name, value] : state.history.back().values) {
    char text[64];
    const bool share =
        name.find("loss") == std::string::npos && value >= 0 && value <= 1 && name != "learning_rate";
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
  std::fprintf(stream_, terminal_ ? "%s\033[K\n" : "%s\n", line.c_str());
  std::fflush(stream_);
}

CAPTCHA_INLINE void ProgressBar::on_end(const TrainingState& state) {
  if (!state.stopped_early) return;
  std::fprintf(stream_, "stopped after epoch %zu: no better one since epoch %zu, whose weights are kept\n",
               state.epoch, state.best_epoch);
  std::fflush(stream_);
}

CAPTCHA_INLINE std::string ProgressBar::bar(std::size_t done, std::size_t all) {
  constexpr std::size_t width = 20;
  const std::size_t filled = all == 0 ? 0 : std::min(width, width * done / all);
  std::string text = "[";
  for (std::size_t i = 0; i < width; ++i) text += i < filled ? '=' : i == filled ? '>' : ' ';
  return text + "]";
}

CAPTCHA_INLINE std::string ProgressBar::clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}
#endif

}  // namespace captcha
