// The concept Callback: an object without any of the hooks, here a mistyped one, is none.
// expect: captcha: a callback has none of the hooks on_start, on_epoch_start, on_step, on_epoch_end, on_end
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
#ifdef FIXED
  void on_epoch_end(const TrainingState&) {}
#else
  void on_end_of_epoch(const TrainingState&) {}
#endif
};
void use(Weights<Mlp<3, 1>>& weights) {
  fit(weights, Samples{}, FitOptions<>{.epochs = 1}, Print{});
}
