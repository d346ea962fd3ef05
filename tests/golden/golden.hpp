// The run whose files lie in this folder: its network, its data, its options. Nothing here may ever change:
// files that were written once must load, and runs that were begun once must go on, for ever.
#pragma once

#include <captcha/data.hpp>
#include <captcha/layers.hpp>
#include <captcha/train.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace golden {

using Network =
    captcha::Chain<captcha::Named<"conv", captcha::Conv2d<1, 4, captcha::Conv{.padding = 1, .bias = false}>>,
                   captcha::Named<"bn", captcha::BatchNorm2d<4>>, captcha::ReLU, captcha::GlobalAvgPool2d,
                   captcha::Dropout<captcha::Drop{.probability = 0.1f}>,
                   captcha::Named<"fc", captcha::Linear<4, 2>>>;

/// Stripes that run down or across, with something like noise on top.
struct Stripes {
  static constexpr captcha::Shape shape = captcha::chw(1, 8, 8);
  std::size_t count = 40;

  std::size_t size() const { return count; }
  int get(std::size_t index, std::span<float> pixels) const {
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const auto mixed = static_cast<std::uint32_t>(index * 64 + i) * 2654435761u;
      const float noise = static_cast<float>(mixed >> 24) / 256.0f - 0.5f;
      pixels[i] = ((index % 2 == 0 ? i % 8 : i / 8) % 2 == 0 ? 0.5f : -0.5f) + 2 * noise;
    }
    return static_cast<int>(index % 2);
  }
};

/// Four epochs of five steps.
inline captcha::FitOptions<> options(const std::filesystem::path& folder) {
  captcha::FitOptions<> options;
  options.epochs = 4;
  options.batch_size = 8;
  options.optimizer.learning_rate = 0.05f;
  options.clip_norm = 1;
  options.average_decay = 0.9;
  options.patience = 50;
  options.threads = 1;
  options.seed = 9;
  options.run = folder;
  options.resume = true;
  options.info = {"golden", {"down", "across"}, "none", Stripes::shape};
  return options;
}

struct StopAfterEpoch {
  std::size_t epoch;
  void on_epoch_end(captcha::TrainingState& state) const { state.stop = state.epoch == epoch; }
};
struct StopAfterStep {
  std::size_t step;
  void on_step(captcha::TrainingState& state) const { state.stop = state.step == step; }
};

/// FNV-1a of the bytes of some values.
inline std::uint64_t hash_of(std::span<const float> values, std::uint64_t hash = 0xcbf29ce484222325) {
  for (const std::byte byte : std::as_bytes(values))
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
  return hash;
}
/// The same of all parameters and buffers.
inline std::uint64_t hash_of(const captcha::Weights<Network>& weights) {
  return hash_of(weights.buffers(), hash_of(weights.parameters()));
}

}  // namespace golden
