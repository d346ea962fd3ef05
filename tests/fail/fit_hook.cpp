// A hook with the right name that takes something else would never be called.
// expect: captcha: a callback has a hook that does not take a TrainingState&
// expect: Print
#include <captcha/models/mlp.hpp>
#include <captcha/train/fit.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
  int get(std::size_t, std::span<float>) const { return 0; }
};
struct Print {
  void on_start(const TrainingState&) {}
#ifdef FIXED
  void on_epoch_end(const TrainingState&) {}
#else
  void on_epoch_end(int) {}
#endif
};
void use(Weights<Mlp<3, 1>>& weights) {
  fit(weights, Samples{}, FitOptions<>{.epochs = 1}, Print{});
}
