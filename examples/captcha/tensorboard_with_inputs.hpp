// What `train --tensorboard` writes: the numbers of a run, and pictures of what the network is shown.
#pragma once

#include <captcha/data/png.hpp>
#include <captcha/train/tensorboard.hpp>

#include "input_sheet.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace captcha::app {

/// A callback of fit, which does nothing unless `wanted`. At the start of every epoch some of the training
/// images are added as they look in it; `seed` is that of the run.
template <class Data>
class TensorBoardWithInputs {
 public:
  TensorBoardWithInputs(bool wanted, const std::filesystem::path& run, const Data& data, std::uint64_t seed)
      : data_(data), seed_(seed) {
    if (wanted) board_.emplace(run);
  }

  void on_start(const TrainingState& state) {
    if (board_) board_->on_start(state);
  }
  void on_epoch_start(const TrainingState& state) {
    if (!board_) return;
    const Image sheet = input_sheet(data_, seed_, state.epoch);
    board_->file().image(state.step, "inputs",
                         {sheet.height, sheet.width, sheet.channels, encode_png(sheet)});
  }
  void on_step(const TrainingState& state) {
    if (board_) board_->on_step(state);
  }
  void on_epoch_end(const TrainingState& state) {
    if (board_) board_->on_epoch_end(state);
  }

 private:
  std::optional<TensorBoard> board_{};
  const Data& data_;
  std::uint64_t seed_;
};

}  // namespace captcha::app
