// The concept Optimizer: one without a rule is none, and the message says what is missing.
// expect: Optimizer
// expect: optimizer.update(update)
#include <captcha/models/mlp.hpp>
#include <captcha/optim/descent.hpp>

using namespace captcha;

struct SignDescent {
  static constexpr int moments = 0;
  float learning_rate = 0.1f;
  float weight_decay = 0;
#ifdef FIXED
  template <class T>
  void update(const Update<T>& u) const {
    for (std::size_t i = 0; i < u.weights.size(); ++i)
      u.weights[i] -= u.gradient[i] > 0 ? u.learning_rate : -u.learning_rate;
  }
#endif
};
const Descent<SignDescent> descent(SignDescent{}, Weights<Mlp<2, 3>>(1));
