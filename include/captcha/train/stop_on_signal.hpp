// Ctrl-C and `kill` as a wish to stop: the step is finished and the run saved.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/train/state.hpp>

#include <signal.h>
#include <unistd.h>

#include <utility>

namespace captcha {

/// A callback of fit. While it lives, the first SIGINT or SIGTERM ends the run after its current step; a
/// second one ends the program at once, with exit code 128 + its number. A signal that is ignored, as SIGINT
/// is in the background of a script, stays so. One at a time. POSIX only.
class StopOnSignal {
 public:
  StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal();

  /// The signal that came, or 0.
  static int received() { return signal_; }

  void on_step(TrainingState& state) const { state.stop = state.stop || signal_ != 0; }
  void on_epoch_end(TrainingState& state) const { on_step(state); }

 private:
  static void take(int number);

  static inline volatile sig_atomic_t signal_ = 0;
  struct sigaction before_[2]{};
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE StopOnSignal::StopOnSignal() {
  signal_ = 0;
  struct sigaction ours {};
  ours.sa_handler = take;
  ours.sa_flags = SA_RESTART;  // what is being read or written goes on
  sigemptyset(&ours.sa_mask);
  for (const auto& [number, before] : {std::pair(SIGINT, &before_[0]), std::pair(SIGTERM, &before_[1])}) {
    ::sigaction(number, nullptr, before);
    if (before->sa_handler != SIG_IGN) ::sigaction(number, &ours, nullptr);
  }
}

CAPTCHA_INLINE StopOnSignal::~StopOnSignal() {
  ::sigaction(SIGINT, &before_[0], nullptr);
  ::sigaction(SIGTERM, &before_[1], nullptr);
}

CAPTCHA_INLINE void StopOnSignal::take(int number) {
  if (signal_ != 0) ::_exit(128 + number);
  signal_ = number;
}
#endif

}  // namespace captcha
