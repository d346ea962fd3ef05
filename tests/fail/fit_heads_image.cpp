// A network that ends in an image, for several classes a sample: its pixels would be taken for heads.
// expect: captcha: the network ends in an image, but classes need a vector
// expect: check_fit
#include <captcha/layers.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = chw(1, 4, 4);
  std::size_t size() const { return 7; }
  std::array<int, 2> get(std::size_t, std::span<float>) const { return {}; }
};
#ifdef FIXED
using Net = Chain<Conv2d<1, 8>, Flatten>;
#else
using Net = Chain<Conv2d<1, 8>, ReLU>;
#endif
void use(Weights<Net>& weights) {
  fit(weights, Samples{}, FitOptions<AdamW, MeanOverHeads<>, std::tuple<ExactMatch>>{.epochs = 1});
}
