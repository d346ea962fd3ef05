// The concept Metric: accuracy is none where targets are real numbers.
// expect: captcha: a metric does not take the targets that the data set gives
// expect: check_fit
// expect: TopK<1
// expect: Samples
#include <captcha/models/mlp.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
  float get(std::size_t, std::span<float>) const { return 0.5f; }
};
#ifdef FIXED
using Options = FitOptions<AdamW, MeanSquaredError, std::tuple<>>;
#else
using Options = FitOptions<AdamW, MeanSquaredError>;
#endif
void use(Weights<Mlp<3, 1>>& weights) {
  fit(weights, Samples{}, Options{.epochs = 1});
}
