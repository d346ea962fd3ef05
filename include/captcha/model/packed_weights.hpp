// PackedWeights: a network's weights as prediction wants them.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>

#include <span>

namespace captcha {

/// Made from Weights once, for images of shape S: batch norms are folded into the convolutions in front of
/// them, and weights lie in the order in which they are read. The Weights are not needed any more. Any number
/// of threads may predict with one set.
template <class Net, Shape S, class T = float>
class PackedWeights {
  static_assert(check_shapes<Net, S>());

 public:
  explicit PackedWeights(const Weights<Net, T>& weights) : values_(packed_values<Net>(S)) { pack(weights); }

  /// Takes over other weights, in the same memory.
  void pack(const Weights<Net, T>& weights) {
    Workers workers;
    run_pack<Net, S>(Pack<T>{weights.parameters().data(), weights.buffers().data(), values_.data(), workers});
  }

  std::span<const T> values() const { return values_; }

 private:
  AlignedVector<T> values_;
};

/// pack<S>(weights): the same with the types deduced.
template <Shape S, class Net, class T>
PackedWeights<Net, S, T> pack(const Weights<Net, T>& weights) {
  return PackedWeights<Net, S, T>(weights);
}

}  // namespace captcha
