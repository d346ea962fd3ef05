// Fine-tuning with a frozen backbone: only the classifier learns, and nothing in front of it drifts.
#include <captcha/captcha.hpp>

#include <algorithm>
#include <cstdio>

using namespace captcha;

/// Two kinds of stripes.
struct Stripes {
  static constexpr Shape shape = chw(1, 16, 16);
  std::size_t size() const { return 64; }
  int get(std::size_t index, std::span<float> pixels) const {
    Random random(5, Purpose::test, 0, index);
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = ((index % 2 == 0 ? i / 16 : i % 16) / 2 % 2 == 0 ? 1.0f : -1.0f) + 0.5f * random.normal();
    return static_cast<int>(index % 2);
  }
};

// [frozen]
using Net = ResNet18<2, 1, Stem::small, 8>;

int main() {
  Weights<Net> weights(1);
  const Weights<Net> before = weights;
  const FitResult result = fit(weights, Stripes{},
                               {.epochs = 10,
                                .batch_size = 16,
                                .optimizer = {.learning_rate = 3e-2f},
                                .groups = {{.prefix = "", .frozen = true},  // everything …
                                           {.prefix = "fc"}}});             // … but the classifier
  std::printf("%.1f %% right on the training data\n", 100 * result.history.back()["train_accuracy"]);

  const auto unchanged = [&](const char* name) {
    const PlacedSlot& slot = Weights<Net>::slot(name);
    return std::ranges::equal(weights.values(slot), before.values(slot));
  };
  return unchanged("conv1.weight") && unchanged("bn1.running_mean") && !unchanged("fc.weight") ? 0 : 1;
}
// [frozen]
