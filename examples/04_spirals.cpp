// A multilayer perceptron that tells two spirals apart: the same fit, without an image in sight.
#include <captcha/captcha.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace captcha;

// [spirals]
/// Points on two spirals wound into each other.
struct Spirals {
  static constexpr Shape shape = flat(2);

  std::size_t size() const { return 600; }
  int get(std::size_t index, std::span<float> point) const {
    Random random(3, Purpose::test, 0, index);
    const int arm = static_cast<int>(index % 2);
    const float along = random.uniform(0.1f, 1.0f);
    const float angle =
        3.5f * std::numbers::pi_v<float> * along + static_cast<float>(arm) * std::numbers::pi_v<float>;
    point[0] = along * std::cos(angle) + 0.02f * random.normal();
    point[1] = along * std::sin(angle) + 0.02f * random.normal();
    return arm;
  }
};

int main() {
  const auto [train, test] = split(Spirals{}, {0.75, 0.25});
  Weights<Mlp<2, 64, 64, 2>> weights(1);
  const FitResult result =
      fit(weights, train, test, {.epochs = 120, .batch_size = 32, .optimizer = {.learning_rate = 1e-2f}});
  std::printf("%.1f %% of the unseen points right\n", 100 * result.history.back()["val_accuracy"]);
  return result.history.back()["val_accuracy"] > 0.95 ? 0 : 1;
}
// [spirals]
