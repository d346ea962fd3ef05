// What an optimizer is: a rule that moves values against their gradients.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace captcha {

/// A stretch of parameters that share their settings, and what the rule may read and write of it.
template <class T>
struct Update {
  std::span<T> weights;
  const T* gradient;
  T* first;  ///< moments, zero before the first step; null when the optimizer keeps fewer
  T* second;
  T learning_rate;
  T weight_decay;
  std::int64_t step;  ///< 1 for the first
};

/// An optimizer is a set of options with a learning rate and a weight decay, the number of moments it keeps
/// for every parameter (0 to 2), and `update`, which applies one step to a stretch. Of its other options a
/// run that goes on compares what its `describe` says, if it has one (see core/description.hpp).
template <class O>
concept Optimizer = std::copyable<O> && requires(const O& optimizer, const Update<float>& update) {
  { O::moments } -> std::convertible_to<int>;
  { optimizer.learning_rate } -> std::convertible_to<float>;
  { optimizer.weight_decay } -> std::convertible_to<float>;
  optimizer.update(update);
};

}  // namespace captcha
