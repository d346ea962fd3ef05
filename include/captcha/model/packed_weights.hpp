// PackedWeights: a network's weights as prediction wants them.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/bfloat16.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace captcha {

/// Made from Weights once, for images of shape S: batch norms are folded into the convolutions in front of
/// them, and weights lie in the order in which they are read. The Weights are not needed any more. Any number
/// of threads may predict with one set; copies share the values, which never change.
///
/// T is what the network computes with; or BFloat16, for weights of half the bytes, with which it computes as
/// float. Layers that can (see Keeps) round theirs to that, the others keep float. One image is predicted the
/// sooner, because it waits for weights; large batches are not.
template <class Net, Shape S, class T = float>
class PackedWeights {
  static_assert(check_shapes<Net, S>());

 public:
  static constexpr std::size_t size = packed_values<Net, T>(S);

  explicit PackedWeights(const Weights<Net, Widened<T>>& weights) {
    const auto made = std::make_shared<AlignedVector<Widened<T>>>(size);
    Workers workers;
    run_pack<Net, S>(Pack<T>{weights.parameters().data(), weights.buffers().data(), made->data(), workers});
    values_ = {made, made->data()};
  }
  /// `size` values that were packed before: see io/packed_file.hpp.
  explicit PackedWeights(std::shared_ptr<const Widened<T>> values) : values_(std::move(values)) {}

  /// As they lie in memory: weights of half the bytes two by two.
  std::span<const Widened<T>> values() const { return {values_.get(), size}; }

 private:
  std::shared_ptr<const Widened<T>> values_;
};

/// pack<S>(weights): the same with the types deduced; pack<S, BFloat16>(weights): kept in that form.
template <Shape S, class Net, class T>
PackedWeights<Net, S, T> pack(const Weights<Net, T>& weights) {
  return PackedWeights<Net, S, T>(weights);
}
template <Shape S, class Kept, class Net>
PackedWeights<Net, S, Kept> pack(const Weights<Net, Widened<Kept>>& weights) {
  return PackedWeights<Net, S, Kept>(weights);
}

}  // namespace captcha
