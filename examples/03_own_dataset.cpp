// A data set of one's own: a shape, a size, and get. Everything else (batches, threads, shuffling,
// augmentation, training) is there already.
#include <captcha/captcha.hpp>

#include <cstdio>

// [dataset]
using namespace captcha;

/// Pictures of a bright bar on noise; the class is whether it lies or stands.
struct Bars {
  static constexpr Shape shape = chw(1, 12, 12);

  std::size_t size() const { return 400; }

  /// Writes picture `index` in (C, H, W) order and returns its class. Called from several threads.
  int get(std::size_t index, std::span<float> pixels) const {
    Random random(7, Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = 0.5f * random.normal();
    const bool stands = random.coin();
    const std::size_t place = 2 + random.below(8);
    for (std::size_t i = 2; i < 10; ++i) pixels[stands ? i * 12 + place : place * 12 + i] += 2.0f;
    return stands ? 1 : 0;
  }
};

// Named layers give their parameters the names that a file needs.
using Net =
    Chain<Named<"conv1", Conv2d<1, 8, Conv{.padding = 1, .bias = false}>>, Named<"bn1", BatchNorm2d<8>>, ReLU,
          MaxPool2d<>, Named<"conv2", Conv2d<8, 16, Conv{.padding = 1}>>, ReLU, GlobalAvgPool2d,
          Named<"fc", Linear<16, 2>>>;

int main() {
  const auto [train, test] = split(Bars{}, {0.8, 0.2});
  Weights<Net> weights(1);
  const FitResult result =
      fit(weights, train, test, {.epochs = 6, .batch_size = 16, .optimizer = {.learning_rate = 5e-3f}});
  for (const EpochRecord& epoch : result.history)
    std::printf("epoch %zu: %.1f %% right\n", epoch.epoch, 100 * epoch["val_accuracy"]);
  return result.history.back()["val_accuracy"] > 0.9 ? 0 : 1;
}
// [dataset]
