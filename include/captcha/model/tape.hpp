// Tape: one training step's memory. Its size is known from the network's type, the image shape and the batch
// size; a step allocates nothing.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/finite.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// Values (not bytes) that a training step of Net on `samples` images of shape S needs besides the weights.
template <class Net, Shape S>
constexpr std::size_t training_values(int samples) {
  static_assert(check_shapes<Net, S>());
  const Footprint scratch = either(Net::scratch(S, Pass::forward), Net::scratch(S, Pass::backward));
  const Footprint output{2 * Net::out(S).size(), 2 * region_alignment};
  return Net::saved(S).values(samples) + scratch.values(samples) + output.values(samples);
}

/// A tape without the type of its network, which is known by its weights: what trains a network by this class
/// is compiled once for all of them.
template <class T>
class AnyTape {
 public:
  virtual ~AnyTape();

  Shape input_shape() const { return input_; }
  /// One flag a parameter slot, in state-dict order: frozen ones get no gradient, frozen norms do not drift.
  std::span<bool> frozen() { return {frozen_.get(), slots_.parameter_slots}; }
  /// The gradient of the loss by the output, [feature][sample]: a loss fills it between forward and backward.
  std::span<T> output_gradient(int samples) { return std::span(output_gradient_).first(values(samples)); }

  /// The network's output, [feature][sample] (or [row][column][channel][sample]); valid until the next call.
  /// Error for the weights of another network, or more samples than there is memory for.
  std::span<const T> forward(WeightValues<T>& weights, const T* x, int samples, Noise noise,
                             Workers& workers);

  /// Where the forward half first gives something that is not sound (see kernels/finite.hpp): "the output of
  /// layer1.0.bn1". Empty when all is sound, or where the network is no chain.
  std::string first_unsound(WeightValues<T>& weights, const T* x, int samples, Noise noise, Workers& workers);

  /// Adds the gradients of the last forward to `gradients`, given output_gradient. `x`, `noise` and `weights`
  /// as then. `dx`, when not null, receives the gradient by the input.
  void backward(const WeightValues<T>& weights, WeightValues<T>& gradients, const T* x, int samples,
                Noise noise, Workers& workers, T* dx = nullptr);

 protected:
  /// For so many values to be saved and as scratch space, and that many a sample as output.
  AnyTape(const SlotCounter& slots, Shape input, int capacity, std::size_t saved, std::size_t scratch,
          std::size_t output);

 private:
  virtual void run(const Forward<T>& call) = 0;
  virtual void run(const Backward<T>& call) = 0;

  std::size_t values(int samples) const { return features_ * static_cast<std::size_t>(samples); }
  void require_own(const WeightValues<T>& weights) const;
  void require_room(int samples) const;

  SlotCounter slots_;
  Shape input_;
  int capacity_;
  std::size_t features_;  // values that the network gives for a sample
  AlignedVector<T> saved_;
  AlignedVector<T> scratch_;
  AlignedVector<T> output_;
  AlignedVector<T> output_gradient_;
  std::unique_ptr<bool[]> frozen_;
};

template <class T>
AnyTape<T>::AnyTape(const SlotCounter& slots, Shape input, int capacity, std::size_t saved,
                    std::size_t scratch, std::size_t output)
    : slots_(slots),
      input_(input),
      capacity_(capacity),
      features_(output),
      saved_(saved),
      scratch_(scratch),
      output_(values(capacity)),
      output_gradient_(output_.size()),
      frozen_(std::make_unique<bool[]>(slots.parameter_slots)) {}

template <class T>
AnyTape<T>::~AnyTape() = default;

template <class T>
std::span<const T> AnyTape<T>::forward(WeightValues<T>& weights, const T* x, int samples, Noise noise,
                                       Workers& workers) {
  require_own(weights);
  require_room(samples);
  run(Forward<T>{samples, x, output_.data(), weights.parameters().data(), weights.buffers().data(),
                 saved_.data(), scratch_.data(), frozen_.get(), noise, workers});
  return std::span<const T>(output_).first(values(samples));
}

template <class T>
std::string AnyTape<T>::first_unsound(WeightValues<T>& weights, const T* x, int samples, Noise noise,
                                      Workers& workers) {
  struct First final : Watch<T> {
    const bool* frozen = nullptr;
    bool own = false;
    std::size_t samples = 0;
    void output(const Seen<T>& seen) override {
      if (frozen || all_sound(seen.shape.size() * samples, seen.values)) return;
      frozen = seen.frozen;
      own = seen.slots > 0;
    }
  } first;
  first.samples = static_cast<std::size_t>(samples);
  require_own(weights);
  require_room(samples);
  run(Forward<T>{samples, x, output_.data(), weights.parameters().data(), weights.buffers().data(),
                 saved_.data(), scratch_.data(), frozen_.get(), noise, workers, &first});
  if (!first.frozen) return "";
  std::vector<std::string> layers;  // of each parameter slot
  for (const PlacedSlot& placed : weights.slots())
    if (!placed.is_buffer) layers.push_back(placed.name.substr(0, placed.name.rfind('.')));
  const auto slot = static_cast<std::size_t>(first.frozen - frozen_.get());
  if (first.own) return "the output of " + layers[slot];
  return slot < layers.size() ? "the output of a layer in front of " + layers[slot]
                              : "the output of a layer behind " + layers.back();
}

template <class T>
void AnyTape<T>::backward(const WeightValues<T>& weights, WeightValues<T>& gradients, const T* x, int samples,
                          Noise noise, Workers& workers, T* dx) {
  require_own(weights);
  require_own(gradients);
  require_room(samples);
  run(Backward<T>{samples, x, output_.data(), output_gradient_.data(), dx, weights.parameters().data(),
                  weights.buffers().data(), gradients.parameters().data(), saved_.data(), scratch_.data(),
                  frozen_.get(), noise, workers});
}

template <class T>
void AnyTape<T>::require_own(const WeightValues<T>& weights) const {
  if (weights.parameters().size() != slots_.parameters || weights.buffers().size() != slots_.buffers)
    throw Error("tape: these are the weights of another network");
}

template <class T>
void AnyTape<T>::require_room(int samples) const {
  if (samples < 0 || samples > capacity_)
    throw Error("tape: " + std::to_string(samples) + " samples, made for at most " +
                std::to_string(capacity_));
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class AnyTape<float>;
#endif

/// Runs Net forward and backward on batches of at most `capacity` samples of shape S, stored as
/// [row][column][channel][sample].
template <class Net, Shape S, class T = float>
class Tape final : public AnyTape<T> {
  static_assert(check_shapes<Net, S>());

 public:
  static constexpr Shape output_shape = Net::out(S);

  explicit Tape(int capacity)
      : AnyTape<T>(slot_count<Net>, S, capacity, saved.values(capacity), scratch.values(capacity),
                   output_shape.size()) {}

  /// As AnyTape's, for weights of which the compiler knows that they are Net's.
  std::span<const T> forward(Weights<Net, T>& weights, const T* x, int samples, Noise noise,
                             Workers& workers) {
    return AnyTape<T>::forward(weights, x, samples, noise, workers);
  }
  void backward(const Weights<Net, T>& weights, Weights<Net, T>& gradients, const T* x, int samples,
                Noise noise, Workers& workers, T* dx = nullptr) {
    AnyTape<T>::backward(weights, gradients, x, samples, noise, workers, dx);
  }

 private:
  static constexpr Footprint saved = Net::saved(S);
  static constexpr Footprint scratch =
      either(Net::scratch(S, Pass::forward), Net::scratch(S, Pass::backward));

  void run(const Forward<T>& call) override { run_forward<Net, S>(call); }
  void run(const Backward<T>& call) override { Net::template backward<S>(call); }
};

}  // namespace captcha
