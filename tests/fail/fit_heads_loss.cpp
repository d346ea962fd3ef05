// The concept Loss: cross-entropy alone does not take several classes a sample.
// expect: captcha: the loss does not take the targets that the data set gives
// expect: several classes std::array<int, N> with MeanOverHeads
// expect: check_fit
// expect: CrossEntropy
#include <captcha/models/mlp.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
  std::array<int, 2> get(std::size_t, std::span<float>) const { return {}; }
};
#ifdef FIXED
using Options = FitOptions<AdamW, MeanOverHeads<CrossEntropy>, std::tuple<ExactMatch>>;
#else
using Options = FitOptions<AdamW, CrossEntropy, std::tuple<ExactMatch>>;
#endif
void use(Weights<Mlp<3, 8>>& weights) {
  fit(weights, Samples{}, Options{.epochs = 1});
}
