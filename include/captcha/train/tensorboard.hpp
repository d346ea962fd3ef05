// TensorBoard as a callback of fit: event files that its viewer shows while the run goes on.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/event_file.hpp>
#include <captcha/train/state.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Writes what the record of each epoch says ("loss/train", "accuracy/val", "learning_rate", …), and every
/// `every` steps how the epoch goes ("step/loss": its mean so far, "step/learning_rate",
/// "step/images_per_second"). A run that goes on begins a new file from its checkpoint on.
class TensorBoard {
 public:
  /// `folder` is there when the run starts; that of the run itself will do.
  explicit TensorBoard(std::filesystem::path folder, std::size_t every = 20)
      : folder_(std::move(folder)), every_(every) {
    if (every == 0) throw Error("tensorboard: every 0 steps, expected at least 1");
  }

  void on_start(const TrainingState& state);
  void on_step(const TrainingState& state);
  void on_epoch_end(const TrainingState& state);

  /// To add pictures to; from the start of the run on.
  EventFile& file() { return *file_; }

 private:
  std::filesystem::path folder_;
  std::size_t every_;
  std::optional<EventFile> file_{};
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void TensorBoard::on_start(const TrainingState& state) {
  file_.emplace(folder_, state.step);
  // The record of an epoch at whose end the run was killed: before it came here, or void from now on.
  if (!state.history.empty() && state.history.back().step == state.step) on_epoch_end(state);
}

CAPTCHA_INLINE void TensorBoard::on_step(const TrainingState& state) {
  if (state.step % every_ != 0) return;
  file_->scalars(state.step, {{"step/loss", state.loss},
                              {"step/learning_rate", state.learning_rate},
                              {"step/images_per_second", state.images_per_second}});
}

CAPTCHA_INLINE void TensorBoard::on_epoch_end(const TrainingState& state) {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, value] : state.history.back().values) {
    std::string tag = name;
    for (const char* part : {"train", "val"})  // one chart for both
      if (const std::string prefix = std::string(part) + "_"; name.starts_with(prefix))
        tag = name.substr(prefix.size()) + "/" + part;
    if (std::isfinite(value)) values.emplace_back(tag, value);
  }
  file_->scalars(state.step, values);
}
#endif

}  // namespace captcha
