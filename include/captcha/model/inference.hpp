// Inference: prediction with given weights. The weights stay const, so any number of these share one set.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/packed_weights.hpp>

#include <concepts>
#include <span>
#include <string>

namespace captcha {

/// The memory to predict batches of at most `capacity` samples of shape S; one for each thread that predicts.
template <class Net, Shape S, class T = float>
class Inference {
  static_assert(check_shapes<Net, S>());

 public:
  static constexpr Shape output_shape = Net::out(S);

  explicit Inference(int capacity)
      : capacity_(capacity),
        scratch_(scratch.values(capacity)),
        output_(output_shape.size() * static_cast<std::size_t>(capacity)) {}

  /// The network's output for `samples` images stored as [row][column][channel][sample]: [feature][sample]
  /// for a vector. Valid until the next call.
  template <class Kept>
  std::span<const T> operator()(const PackedWeights<Net, S, Kept>& weights, const T* x, int samples,
                                Workers& workers) {
    static_assert(std::same_as<Widened<Kept>, T>, "captcha: these weights are for another Inference<…, T>");
    if (samples < 0 || samples > capacity_)
      throw Error("inference: " + std::to_string(samples) + " samples, made for at most " +
                  std::to_string(capacity_));
    run_infer<Net, S>(
        Infer<Kept>{samples, x, output_.data(), weights.values().data(), nullptr, scratch_.data(), workers});
    return std::span<const T>(output_).first(output_shape.size() * static_cast<std::size_t>(samples));
  }

 private:
  static constexpr Footprint scratch = Net::scratch(S, Pass::infer);

  int capacity_;
  AlignedVector<T> scratch_;
  AlignedVector<T> output_;
};

}  // namespace captcha
