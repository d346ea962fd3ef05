// A training run of some milliseconds: what the trainer program does, and the tests within their own process.
#pragma once

#include <captcha/train.hpp>

#include "train/toys.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>

namespace small_run {

/// Three batches an epoch; saved within epochs too, with averaged weights.
inline captcha::FitOptions<> options(const std::filesystem::path& folder) {
  return {.epochs = 2,
          .batch_size = 8,
          .optimizer = {.learning_rate = 1e-2f},
          .average_decay = 0.9,
          .threads = 1,
          .loader_threads = 1,
          .seed = 9,
          .run = folder,
          .checkpoint_steps = 2};
}

/// What happens at a step besides learning.
struct AtStep {
  std::size_t signal_step = 0;  ///< the step after which `signals` signals come; 0: none do
  int signals = 1;
  int signal = SIGINT;
  int milliseconds = 0;  ///< that each step takes longer

  void on_step(const captcha::TrainingState& state) const {
    if (milliseconds > 0) std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    for (int i = 0; state.step == signal_step && i < signals; ++i) std::raise(signal);
  }
};

inline captcha::FitResult train(const captcha::FitOptions<>& options, const AtStep& at_step = {}) {
  captcha::Weights<toys::Tiny> weights(3);
  const captcha::StopOnSignal stop;
  return captcha::fit(weights, toys::Halves{24}, toys::Halves{20}, options, at_step, stop);
}

}  // namespace small_run
