// One training step: forward, loss, backward, and every `accumulate` batches an update of the weights.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/batch.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/loss/loss.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/optim/descent.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace captcha {

/// Options of a step.
struct StepOptions {
  std::size_t accumulate = 1;  ///< batches whose gradients are averaged into one update
  double clip_norm = 0;        ///< largest length of the gradient over all parameters (Pascanu et al. 2012,
                               ///< arXiv:1211.5063); 0 for no limit
  std::uint64_t seed = 0;      ///< of dropout
};

/// The memory and the state of training Net on images of shape S: tape, gradients and optimizer.
template <class Net, Shape S, Optimizer O, class L>
class TrainingStep {
 public:
  TrainingStep(std::size_t batch_size, const L& loss, Descent<Net, O> descent, StepOptions options)
      : tape_(static_cast<int>(batch_size)),
        gradients_(Weights<Net>::zeros()),
        loss_(loss),
        descent_(std::move(descent)),
        options_(options) {
    std::copy(descent_.frozen().begin(), descent_.frozen().end(), tape_.frozen().begin());
  }

  Descent<Net, O>& descent() { return descent_; }
  const Descent<Net, O>& descent() const { return descent_; }

  /// The loss and the outputs of a batch; changes weights (unless more batches are to be accumulated) and
  /// running statistics. `rate_factor` multiplies the learning rate. NotANumber when the loss is none: the
  /// weights are then as they were before this step.
  template <class Target>
  double run(Weights<Net>& weights, const Batch<float, Target>& batch, std::size_t step, double rate_factor,
             Workers& workers) {
    const int samples = static_cast<int>(batch.size());
    const Noise noise{options_.seed, step, 0};
    const auto outputs = tape_.forward(weights, batch.inputs().data(), samples, noise, workers);
    outputs_ = {outputs, batch.size()};
    const double loss =
        loss_(outputs_, batch.targets(), Outputs<float>{tape_.output_gradient(samples), batch.size()});
    if (!std::isfinite(loss))
      throw NotANumber("step " + std::to_string(step) + ": the loss is not a number (" +
                       std::to_string(loss) +
                       "); lower the learning rate, clip the gradient, or look for not-a-number in the data");
    tape_.backward(weights, gradients_, batch.inputs().data(), samples, noise, workers);
    if (++collected_ == options_.accumulate) update(weights, rate_factor, workers);
    return loss;
  }

  /// Updates the weights with the batches collected since the last update, if there are any: at the end of an
  /// epoch, where fewer than `accumulate` may be left.
  void finish(Weights<Net>& weights, double rate_factor, Workers& workers) {
    if (collected_ > 0) update(weights, rate_factor, workers);
  }

  /// The outputs of the last run, valid until the next.
  Outputs<const float> outputs() const { return outputs_; }

 private:
  void update(Weights<Net>& weights, double rate_factor, Workers& workers) {
    double scale = 1.0 / static_cast<double>(collected_);
    if (options_.clip_norm > 0) {
      const double norm = descent_.gradient_norm(gradients_, workers) * scale;
      if (norm > options_.clip_norm) scale *= options_.clip_norm / norm;
    }
    descent_.step(weights, gradients_, rate_factor, scale, workers);
    collected_ = 0;
  }

  Tape<Net, S> tape_;
  Weights<Net> gradients_;
  L loss_;
  Descent<Net, O> descent_;
  StepOptions options_;
  Outputs<const float> outputs_{};
  std::size_t collected_ = 0;
};

}  // namespace captcha
