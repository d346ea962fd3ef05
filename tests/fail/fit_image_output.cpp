// A network that ends in an image, for targets that are classes: every pixel would be taken for one.
// expect: captcha: the network ends in an image, but classes need a vector
// expect: check_fit
#include <captcha/layers.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = chw(1, 4, 4);
  std::size_t size() const { return 7; }
  int get(std::size_t, std::span<float>) const { return 0; }
};
#ifdef FIXED
using Net = Chain<Conv2d<1, 8>, GlobalAvgPool2d>;
#else
using Net = Chain<Conv2d<1, 8>, ReLU>;
#endif
void use(Weights<Net>& weights) {
  fit(weights, Samples{}, FitOptions<>{.epochs = 1});
}
