// What a training run knows of itself: the record of each epoch, and where it is.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// One epoch in numbers, in the order in which they are written: "train_loss", "train_accuracy", "val_loss",
/// …
struct EpochRecord {
  std::size_t epoch = 0;  ///< 1 for the first
  std::size_t step = 0;   ///< steps done when it ended
  std::vector<std::pair<std::string, double>> values{};

  /// The value of that name, or not-a-number when the epoch has none.
  double operator[](const std::string& name) const {
    for (const auto& [key, value] : values)
      if (key == name) return value;
    return std::numeric_limits<double>::quiet_NaN();
  }
};

/// Where a run is; what callbacks see.
struct TrainingState {
  std::size_t epoch = 0;  ///< epochs finished; the current one is number epoch + 1
  std::size_t epochs = 0;
  std::size_t step = 0;  ///< steps finished, over all epochs
  std::size_t steps_per_epoch = 0;
  std::size_t batch_size = 0;
  double loss = 0;           ///< mean over the current epoch so far
  double learning_rate = 0;  ///< of the last step
  double images_per_second = 0;
  double best = std::numeric_limits<double>::quiet_NaN();  ///< of the monitored value
  std::size_t best_epoch = 0;                              ///< 0: none yet
  std::vector<EpochRecord> history{};
  std::string resumed{};                ///< the checkpoint that the run goes on from; empty for a new one
  std::vector<std::string> warnings{};  ///< what the user should know of that: damaged checkpoints, for one
  bool stop =
      false;  ///< a callback may set it: the run ends after the current step, saved to go on from there
  bool stopped_early = false;  ///< there was no better epoch for as many as `patience` says
};

}  // namespace captcha
