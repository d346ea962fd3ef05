// Solver: reads the text of whole CAPTCHAs. For programs that serve many at once, too.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/output.hpp>
#include <captcha/data/batch.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/predictor.hpp>

#include "captchas.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// What a solver reads in a CAPTCHA.
struct Reading {
  std::string text;
  double confidence = 0;  ///< the probability that all of the text is right: the product of its letters'
  /// Of each class at each position of the text.
  std::array<std::array<float, labels.size()>, solution_length> probabilities{};
};

/// A network that reads whole CAPTCHAs. Any number of threads may call one solver at the same time: the
/// weights are shared, and each call has memory of its own, which is kept for later calls.
class Solver {
 public:
  using Packed = PackedWeights<SolverNetwork, captcha_shape>;
  static constexpr std::size_t batch = 16;  ///< CAPTCHAs that are read together

  /// `threads` work on each call.
  explicit Solver(Packed weights, int threads = 1) : weights_(std::move(weights)), threads_(threads) {}
  /// Error when the file is damaged or no model of `captcha train-solver`.
  explicit Solver(const std::filesystem::path& model, int threads = 1)
      : Solver(Packed(load_solver(model)), threads) {}

  /// Reads pictures of 200 x 50 pixels, grey or in colours; see as_captcha. Error, which calls a picture of
  /// another size "CAPTCHA 1" and so on, before any is read.
  std::vector<Reading> operator()(std::span<const Image> captchas) const {
    std::vector<Image> grey;
    for (const Image& captcha : captchas)
      grey.push_back(as_captcha(captcha, "CAPTCHA " + std::to_string(grey.size() + 1), false));
    std::vector<Reading> readings;
    readings.reserve(grey.size());
    const Borrowed desk(*this);
    for (std::size_t first = 0; first < grey.size(); first += batch)
      read(std::span(grey).subspan(first, std::min(batch, grey.size() - first)), *desk.desk, readings);
    return readings;
  }
  Reading operator()(const Image& captcha) const { return (*this)(std::span(&captcha, 1)).front(); }

 private:
  /// The memory and the threads of one call.
  struct Desk {
    explicit Desk(int threads)
        : workers(threads), pixels(batch * captcha_shape.size()), inputs(pixels.size()) {}

    Workers workers;
    Inference<SolverNetwork, captcha_shape> inference{static_cast<int>(batch)};
    AlignedVector<float> pixels, inputs;
  };
  /// A desk that is nobody's else, until the end of the call.
  struct Borrowed {
    explicit Borrowed(const Solver& owner) : solver(owner) {
      {
        const std::lock_guard turn(solver.guard_);
        if (!solver.free_.empty()) {
          desk = std::move(solver.free_.back());
          solver.free_.pop_back();
        }
      }
      if (!desk) desk = std::make_unique<Desk>(solver.threads_);
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() {
      const std::lock_guard turn(solver.guard_);
      solver.free_.push_back(std::move(desk));
    }

    const Solver& solver;
    std::unique_ptr<Desk> desk;
  };

  void read(std::span<const Image> captchas, Desk& desk, std::vector<Reading>& readings) const {
    for (std::size_t i = 0; i < captchas.size(); ++i)
      prepare(captchas[i].pixels, captcha_shape,
              std::span(desk.pixels).subspan(i * captcha_shape.size(), captcha_shape.size()));
    interleave<float>(desk.pixels, captcha_shape, captchas.size(), desk.inputs.data(), 0, captchas.size());
    const auto outputs =
        desk.inference(weights_, desk.inputs.data(), static_cast<int>(captchas.size()), desk.workers);
    for (std::size_t i = 0; i < captchas.size(); ++i)
      readings.push_back(reading(Outputs<const float>{outputs, captchas.size()}, i));
  }

  static Reading reading(Outputs<const float> outputs, std::size_t sample) {
    Reading reading;
    reading.confidence = 1;
    for (std::size_t position = 0; position < solution_length; ++position) {
      std::array<float, labels.size()> logits;
      for (std::size_t label = 0; label < labels.size(); ++label)
        logits[label] = outputs(position * labels.size() + label, sample);
      const std::vector<float> shares = softmax(logits);
      std::copy(shares.begin(), shares.end(), reading.probabilities[position].begin());
      const auto most = std::max_element(shares.begin(), shares.end());
      reading.text += labels[static_cast<std::size_t>(most - shares.begin())];
      reading.confidence *= static_cast<double>(*most);
    }
    return reading;
  }

  Packed weights_;
  int threads_;
  mutable std::mutex guard_{};
  mutable std::vector<std::unique_ptr<Desk>> free_{};
};

}  // namespace captcha::app
