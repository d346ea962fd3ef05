// Tape: one training step's memory. Its size is known from the network's type, the image shape and the batch
// size; a step allocates nothing.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>

#include <cassert>
#include <memory>
#include <span>

namespace captcha {

/// Values (not bytes) that a training step of Net on `samples` images of shape S needs besides the weights.
template <class Net, Shape S>
constexpr std::size_t training_values(int samples) {
  const Footprint scratch = either(Net::scratch(S, Pass::forward), Net::scratch(S, Pass::backward));
  const Footprint output{2 * Net::out(S).size(), 2 * region_alignment};
  return Net::saved(S).values(samples) + scratch.values(samples) + output.values(samples);
}

/// Runs Net forward and backward on batches of at most `capacity` samples of shape S, stored as
/// [row][column][channel][sample].
template <class Net, Shape S, class T = float>
class Tape {
  static_assert(check_shapes<Net, S>());

 public:
  static constexpr Shape output_shape = Net::out(S);

  explicit Tape(int capacity)
      : capacity_(capacity),
        saved_(saved.values(capacity)),
        scratch_(scratch.values(capacity)),
        output_(output_shape.size() * static_cast<std::size_t>(capacity)),
        output_gradient_(output_.size()),
        frozen_(std::make_unique<bool[]>(slot_count<Net>.parameter_slots)) {}

  int capacity() const { return capacity_; }
  /// One flag a parameter slot, in state-dict order: frozen ones get no gradient, frozen norms do not drift.
  std::span<bool> frozen() { return {frozen_.get(), slot_count<Net>.parameter_slots}; }
  /// The gradient of the loss by the output, [feature][sample]: a loss fills it between forward and backward.
  std::span<T> output_gradient(int samples) { return std::span(output_gradient_).first(values(samples)); }

  /// The network's output, [feature][sample] (or [row][column][channel][sample]); valid until the next call.
  std::span<const T> forward(Weights<Net, T>& weights, const T* x, int samples, Noise noise,
                             Workers& workers) {
    assert(samples <= capacity_);
    run_forward<Net, S>(Forward<T>{samples, x, output_.data(), weights.parameters().data(),
                                   weights.buffers().data(), saved_.data(), scratch_.data(), frozen_.get(),
                                   noise, workers});
    return std::span<const T>(output_).first(values(samples));
  }

  /// Adds the gradients of the last forward to `gradients`, given output_gradient. `x`, `noise` and `weights`
  /// as then. `dx`, when not null, receives the gradient by the input.
  void backward(const Weights<Net, T>& weights, Weights<Net, T>& gradients, const T* x, int samples,
                Noise noise, Workers& workers, T* dx = nullptr) {
    Net::template backward<S>(Backward<T>{samples, x, output_.data(), output_gradient_.data(), dx,
                                          weights.parameters().data(), weights.buffers().data(),
                                          gradients.parameters().data(), saved_.data(), scratch_.data(),
                                          frozen_.get(), noise, workers});
  }

 private:
  static constexpr Footprint saved = Net::saved(S);
  static constexpr Footprint scratch =
      either(Net::scratch(S, Pass::forward), Net::scratch(S, Pass::backward));

  static constexpr std::size_t values(int samples) {
    return output_shape.size() * static_cast<std::size_t>(samples);
  }

  int capacity_;
  AlignedVector<T> saved_;
  AlignedVector<T> scratch_;
  AlignedVector<T> output_;
  AlignedVector<T> output_gradient_;
  std::unique_ptr<bool[]> frozen_;
};

}  // namespace captcha
