// SGD: stochastic gradient descent, with momentum (Polyak 1964; Sutskever et al. 2013).
//
//   g = gradient + weight_decay * w
//   m = momentum * m + g
//   w = w - learning_rate * (nesterov ? g + momentum * m : m)
#pragma once

#include <captcha/core/description.hpp>
#include <captcha/optim/optimizer.hpp>

namespace captcha {

/// As torch.optim.SGD without dampening.
struct SGD {
  float learning_rate = 0.1f;
  float momentum = 0.9f;
  float weight_decay = 0;
  bool nesterov = false;

  static constexpr int moments = 1;

  void describe(Description& description) const {
    description.add("optimizer", "SGD");
    description.add("momentum", momentum);
    description.add("nesterov", nesterov);
  }

  template <class T>
  void update(const Update<T>& u) const {
    const T keep = static_cast<T>(momentum);
    const T along_gradient = nesterov ? T{1} : T{0};
    const T along_moment = nesterov ? keep : T{1};
    for (std::size_t i = 0; i < u.weights.size(); ++i) {
      const T g = u.gradient[i] + u.weight_decay * u.weights[i];
      u.first[i] = keep * u.first[i] + g;
      u.weights[i] -= u.learning_rate * (along_gradient * g + along_moment * u.first[i]);
    }
  }
};

}  // namespace captcha
