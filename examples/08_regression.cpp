// Regression with the same trainer: the targets are numbers, the loss is the mean squared error.
#include <captcha/captcha.hpp>

#include <array>
#include <cstdio>

using namespace captcha;

// [regression]
/// A bright spot on noise; the target is where it lies, from 0 to 1 along both axes.
struct Spot {
  static constexpr Shape shape = chw(1, 16, 16);

  std::size_t size() const { return 800; }
  std::array<float, 2> get(std::size_t index, std::span<float> pixels) const {
    Random random(11, Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = 0.1f * random.normal();
    const std::uint32_t row = 1 + random.below(14), column = 1 + random.below(14);
    for (std::uint32_t y = row - 1; y <= row + 1; ++y)
      for (std::uint32_t x = column - 1; x <= column + 1; ++x) pixels[y * 16 + x] += 2.0f;
    return {static_cast<float>(row) / 15, static_cast<float>(column) / 15};
  }
};

// Sequential numbers its layers: 0.weight, 3.weight, 5.weight.
using Net = Sequential<Conv2d<1, 8, Conv{.stride = 2, .padding = 1}>, ReLU, Flatten, Linear<8 * 8 * 8, 32>,
                       ReLU, Linear<32, 2>>;

int main() {
  const auto [train, test] = split(Spot{}, {0.8, 0.2});
  Weights<Net> weights(1);
  const FitResult result = fit(weights, train, test,
                               FitOptions<AdamW, MeanSquaredError, std::tuple<>>{
                                   .epochs = 30, .batch_size = 32, .optimizer = {.learning_rate = 3e-3f}});
  std::printf("mean squared error on unseen pictures: %.5f\n", result.history.back()["val_loss"]);
  return result.history.back()["val_loss"] < 0.005 ? 0 : 1;
}
// [regression]
