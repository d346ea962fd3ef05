// A network that does not take the images of a data set: the message of the layer that refuses them.
// expect: captcha: a layer gets a shape that it does not take
// expect: Linear<3, 1
#include <captcha/models/mlp.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
#ifdef FIXED
  static constexpr Shape shape = flat(3);
#else
  static constexpr Shape shape = flat(4);
#endif
  std::size_t size() const {
    return 7;
  }
  int get(std::size_t, std::span<float>) const {
    return 0;
  }
};
void use(Weights<Mlp<3, 1>>& weights) {
  fit(weights, Samples{}, FitOptions<>{.epochs = 1});
}
