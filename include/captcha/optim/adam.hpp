// Adam and AdamW: steps scaled by running moments of the gradient.
//
//   m = beta1 * m + (1 - beta1) * g          v = beta2 * v + (1 - beta2) * g^2
//   w = w - learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//
// Adam (Kingma and Ba 2014, arXiv:1412.6980) adds weight_decay * w to the gradient; AdamW (Loshchilov and
// Hutter 2017, arXiv:1711.05101) shrinks the weights by learning_rate * weight_decay instead, apart from the
// moments.
#pragma once

#include <captcha/core/description.hpp>
#include <captcha/kernels/registers.hpp>
#include <captcha/optim/optimizer.hpp>

#include <cmath>

namespace captcha {

/// A step over a stretch of parameters, as a kernel for on_registers.
template <class T>
struct AdamStep {
  const Update<T>& u;
  T keep_first, keep_second, floor;
  T pace;           ///< the learning rate, corrected for a first moment that started from 0
  T scale;          ///< the same correction of the second moment's root
  T shrink;         ///< of the weights: AdamW's decay
  T into_gradient;  ///< share of the weights: Adam's decay

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    const std::size_t count = u.weights.size();
    std::size_t i = 0;
    for (; i + wide <= count; i += wide) move<wide>(i);
    for (; i < count; ++i) move<1>(i);
  }

 private:
  /// Moves `Count` parameters.
  template <int Count>
  [[gnu::always_inline]] inline void move(std::size_t i) const {
    using Memory = typename Lanes<T, Count>::Memory;
    const auto weights = reinterpret_cast<Memory*>(u.weights.data() + i);
    const auto first = reinterpret_cast<Memory*>(u.first + i);
    const auto second = reinterpret_cast<Memory*>(u.second + i);
    const auto g = reinterpret_cast<const Memory*>(u.gradient + i)->values + into_gradient * weights->values;
    const auto mean = keep_first * first->values + (T{1} - keep_first) * g;
    const auto square = keep_second * second->values + (T{1} - keep_second) * g * g;
    first->values = mean;
    second->values = square;
    auto root = square;
    take_square_root(root);
    weights->values = shrink * weights->values - pace * mean / (root * scale + floor);
  }
};

/// The options and the step of both; `Decoupled` tells AdamW's weight decay from Adam's.
template <bool Decoupled>
struct AdamRule {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = Decoupled ? 1e-2f : 0.0f;

  static constexpr int moments = 2;

  void describe(Description& description) const {
    description.add("optimizer", Decoupled ? "AdamW" : "Adam");
    description.add("beta1", beta1);
    description.add("beta2", beta2);
    description.add("eps", eps);
  }

  template <class T>
  void update(const Update<T>& u) const {
    const double t = static_cast<double>(u.step);
    const double correct_first = 1 - std::pow(static_cast<double>(beta1), t);
    const double correct_second = std::sqrt(1 - std::pow(static_cast<double>(beta2), t));
    on_registers(AdamStep<T>{.u = u,
                             .keep_first = static_cast<T>(beta1),
                             .keep_second = static_cast<T>(beta2),
                             .floor = static_cast<T>(eps),
                             .pace = static_cast<T>(static_cast<double>(u.learning_rate) / correct_first),
                             .scale = static_cast<T>(1 / correct_second),
                             .shrink = Decoupled ? T{1} - u.learning_rate * u.weight_decay : T{1},
                             .into_gradient = Decoupled ? T{0} : u.weight_decay});
  }
};

using Adam = AdamRule<false>;
using AdamW = AdamRule<true>;

}  // namespace captcha
