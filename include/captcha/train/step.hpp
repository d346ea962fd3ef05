// One training step: forward, loss, backward, and every `accumulate` batches an update of the weights.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/batch.hpp>
#include <captcha/kernels/finite.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/loss/loss.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/optim/descent.hpp>
#include <captcha/optim/groups.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Options of a step.
struct StepOptions {
  std::size_t accumulate = 1;  ///< batches whose gradients are averaged into one update
  double clip_norm = 0;        ///< largest length of the gradient over all parameters (Pascanu et al. 2012,
                               ///< arXiv:1211.5063); 0 for no limit
  std::uint64_t seed = 0;      ///< of dropout
  std::vector<ParameterGroup> groups = {};
  bool decay_all = false;  ///< weight decay on biases and norms too
};

/// The memory and the state of training a network: its tape, its gradients and the optimizer.
template <Optimizer O, class L>
class TrainingStep {
 public:
  /// Of the network to which the tape and these weights belong; see training_step. Error as slot_settings,
  /// and for an update of no batches.
  TrainingStep(std::unique_ptr<AnyTape<float>> tape, const WeightValues<float>& weights, const L& loss,
               const O& optimizer, const StepOptions& options)
      : tape_(std::move(tape)),
        gradients_(weights.zeros_like()),
        loss_(loss),
        descent_(optimizer, weights, options.groups, options.decay_all),
        options_(options) {
    if (options.accumulate == 0) throw Error("training step: accumulate must be at least 1");
    std::copy(descent_.frozen().begin(), descent_.frozen().end(), tape_->frozen().begin());
  }

  Descent<O>& descent() { return descent_; }
  const Descent<O>& descent() const { return descent_; }

  /// The loss and the outputs of a batch; changes weights (unless more batches are to be accumulated) and
  /// running statistics. `rate_factor` multiplies the learning rate. Error for a batch of other inputs, or
  /// more of them, than the step was made for. NotANumber, which says where it was found, when the loss, a
  /// statistic, a gradient or an updated weight is none: the weights are worthless then.
  template <class Target>
  double run(WeightValues<float>& weights, const Batch<float, Target>& batch, std::size_t step,
             double rate_factor, Workers& workers);

  /// Updates the weights with the batches collected since the last update, if there are any: at the end of an
  /// epoch, where fewer than `accumulate` may be left. NotANumber as `run`.
  void finish(WeightValues<float>& weights, double rate_factor, Workers& workers) {
    if (collected_ > 0) update(weights, rate_factor, workers);
  }

  /// Whether every batch so far has moved the weights.
  bool complete() const { return collected_ == 0; }

  /// The outputs of the last run, valid until the next.
  Outputs<const float> outputs() const { return outputs_; }

 private:
  void update(WeightValues<float>& weights, double rate_factor, Workers& workers);
  template <class Target>
  [[noreturn]] void fail(WeightValues<float>& weights, const Batch<float, Target>& batch, Noise noise,
                         double loss, Workers& workers);

  std::unique_ptr<AnyTape<float>> tape_;
  WeightValues<float> gradients_;
  L loss_;
  Descent<O> descent_;
  StepOptions options_;
  Outputs<const float> outputs_{};
  std::size_t collected_ = 0;           // batches since the last update
  std::vector<std::size_t> samples_{};  // theirs
};

template <Optimizer O, class L>
template <class Target>
double TrainingStep<O, L>::run(WeightValues<float>& weights, const Batch<float, Target>& batch,
                               std::size_t step, double rate_factor, Workers& workers) {
  if (batch.shape() != tape_->input_shape())
    throw Error("training step: a batch of inputs " + to_string(batch.shape()) + ", made for " +
                to_string(tape_->input_shape()));
  const int samples = static_cast<int>(batch.size());
  const Noise noise{options_.seed, step, 0};
  const auto outputs = tape_->forward(weights, batch.inputs().data(), samples, noise, workers);
  outputs_ = {outputs, batch.size()};
  const double loss =
      loss_(outputs_, batch.targets(), Outputs<float>{tape_->output_gradient(samples), batch.size()});
  if (!std::isfinite(loss) || !all_sound(weights.buffers().size(), weights.buffers().data()))
    fail(weights, batch, noise, loss, workers);
  tape_->backward(weights, gradients_, batch.inputs().data(), samples, noise, workers);
  if (collected_++ == 0) samples_.clear();
  samples_.insert(samples_.end(), batch.indices().begin(), batch.indices().end());
  if (collected_ == options_.accumulate) update(weights, rate_factor, workers);
  return loss;
}

template <Optimizer O, class L>
template <class Target>
void TrainingStep<O, L>::fail(WeightValues<float>& weights, const Batch<float, Target>& batch, Noise noise,
                              double loss, Workers& workers) {
  const auto found = [](const std::string& where, std::vector<std::size_t> samples) {
    return NotANumber(where + " is not a number, or too large", std::move(samples));
  };
  const auto inputs = batch.inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!is_sound(inputs[i])) throw found("the input", {batch.indices()[i % batch.size()]});
  const std::vector<std::size_t> samples(batch.indices().begin(), batch.indices().end());
  for (const PlacedSlot& placed : weights.slots())
    if (const auto values = weights.values(placed);
        !placed.is_buffer && !all_sound(values.size(), values.data()))
      throw found(placed.name, samples);
  std::string where =
      tape_->first_unsound(weights, inputs.data(), static_cast<int>(batch.size()), noise, workers);
  if (where.empty()) where = std::isfinite(loss) ? "a running statistic" : "the loss";
  throw found(where, samples);
}

template <Optimizer O, class L>
void TrainingStep<O, L>::update(WeightValues<float>& weights, double rate_factor, Workers& workers) {
  double scale = 1.0 / static_cast<double>(collected_);
  if (options_.clip_norm > 0) {
    const double norm = descent_.gradient_norm(gradients_, workers) * scale;
    // One that is not a number is left for the descent to refuse.
    if (std::isfinite(norm) && norm > options_.clip_norm) scale *= options_.clip_norm / norm;
  }
  try {
    descent_.step(weights, gradients_, rate_factor, scale, workers);
  } catch (const NotANumber& found) {
    throw NotANumber(found.what(), samples_);
  }
  collected_ = 0;
}

/// A training step of these weights' network on batches of at most `batch_size` images of shape S:
/// `auto step = training_step<chw(1, 52, 32)>(weights, 64, CrossEntropy{}, AdamW{});`
template <Shape S, class Net, Optimizer O, class L>
TrainingStep<O, L> training_step(const Weights<Net>& weights, std::size_t batch_size, const L& loss,
                                 const O& optimizer, const StepOptions& options = {}) {
  return TrainingStep<O, L>(std::make_unique<Tape<Net, S>>(static_cast<int>(batch_size)), weights, loss,
                            optimizer, options);
}

}  // namespace captcha
