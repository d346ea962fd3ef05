// PackedWeights: a network's weights as prediction wants them.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/layer.hpp>
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
template <class Net, Shape S, class T = float>
class PackedWeights {
  static_assert(check_shapes<Net, S>());

 public:
  static constexpr std::size_t size = packed_values<Net>(S);

  explicit PackedWeights(const Weights<Net, T>& weights) {
    const auto made = std::make_shared<AlignedVector<T>>(size);
    Workers workers;
    run_pack<Net, S>(Pack<T>{weights.parameters().data(), weights.buffers().data(), made->data(), workers});
    values_ = {made, made->data()};
  }
  /// `size` values that were packed before: see io/packed_file.hpp.
  explicit PackedWeights(std::shared_ptr<const T> values) : values_(std::move(values)) {}

  std::span<const T> values() const { return {values_.get(), size}; }

 private:
  std::shared_ptr<const T> values_;
};

/// pack<S>(weights): the same with the types deduced.
template <Shape S, class Net, class T>
PackedWeights<Net, S, T> pack(const Weights<Net, T>& weights) {
  return PackedWeights<Net, S, T>(weights);
}

}  // namespace captcha
