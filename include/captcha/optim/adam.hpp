// Adam and AdamW: steps scaled by running moments of the gradient.
//
//   m = beta1 * m + (1 - beta1) * g          v = beta2 * v + (1 - beta2) * g^2
//   w = w - learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//
// Adam (Kingma and Ba 2014, arXiv:1412.6980) adds weight_decay * w to the gradient; AdamW (Loshchilov and
// Hutter 2017, arXiv:1711.05101) shrinks the weights by learning_rate * weight_decay instead, apart from the
// moments.
#pragma once

#include <captcha/optim/optimizer.hpp>

#include <cmath>

namespace captcha {

/// The options and the step of both; `Decoupled` tells AdamW's weight decay from Adam's.
template <bool Decoupled>
struct AdamRule {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float eps = 1e-8f;
  float weight_decay = Decoupled ? 1e-2f : 0.0f;

  static constexpr int moments = 2;

  template <class T>
  void update(const Update<T>& u) const {
    const T keep_first = static_cast<T>(beta1), keep_second = static_cast<T>(beta2),
            floor = static_cast<T>(eps);
    const double t = static_cast<double>(u.step);
    const double correct_second = std::sqrt(1 - std::pow(static_cast<double>(beta2), t));
    const T pace =
        static_cast<T>(static_cast<double>(u.learning_rate) / (1 - std::pow(static_cast<double>(beta1), t)));
    const T scale = static_cast<T>(1 / correct_second);
    const T shrink = Decoupled ? T{1} - u.learning_rate * u.weight_decay : T{1};
    const T into_gradient = Decoupled ? T{0} : u.weight_decay;
    for (std::size_t i = 0; i < u.weights.size(); ++i) {
      const T g = u.gradient[i] + into_gradient * u.weights[i];
      u.first[i] = keep_first * u.first[i] + (T{1} - keep_first) * g;
      u.second[i] = keep_second * u.second[i] + (T{1} - keep_second) * g * g;
      u.weights[i] = shrink * u.weights[i] - pace * u.first[i] / (std::sqrt(u.second[i]) * scale + floor);
    }
  }
};

using Adam = AdamRule<false>;
using AdamW = AdamRule<true>;

}  // namespace captcha
