// Several outputs a sample with the same trainer: the targets are arrays of classes, one for each head of the
// network.
#include <captcha/captcha.hpp>

#include <array>
#include <cstdio>
#include <tuple>

using namespace captcha;

// [heads]
/// Three signs in a row, each a bar that lies, stands or is not there, on noise; the target is all three.
struct Signs {
  static constexpr Shape shape = chw(1, 12, 36);

  std::size_t size() const { return 600; }
  std::array<int, 3> get(std::size_t index, std::span<float> pixels) const {
    Random random(13, Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = 0.3f * random.normal();
    std::array<int, 3> signs{};
    for (std::size_t place = 0; place < 3; ++place) {
      signs[place] = static_cast<int>(random.below(3));
      const std::size_t left = 12 * place, at = 2 + random.below(8);
      for (std::size_t i = 2; i < 10 && signs[place] < 2; ++i)
        pixels[signs[place] == 0 ? at * 36 + left + i : i * 36 + left + at] += 2.0f;
    }
    return signs;
  }
};

// Nine outputs: three heads of three classes. Flatten keeps the columns, which a global pooling would forget.
using Net =
    Sequential<Conv2d<1, 12, Conv{.padding = 1}>, ReLU, MaxPool2d<>, Conv2d<12, 16, Conv{.padding = 1}>, ReLU,
               AvgPool2d<Pool{.kernel = {6, 6}, .stride = {6, 6}}>, Flatten, Linear<16 * 3, 9>>;

int main() {
  const auto [train, test] = split(Signs{}, {0.8, 0.2});
  Weights<Net> weights(1);
  const FitOptions<AdamW, MeanOverHeads<CrossEntropy>, std::tuple<ExactMatch, OverHeads<Accuracy>>> options{
      .epochs = 20, .batch_size = 16, .optimizer = {.learning_rate = 1e-2f}};
  const FitResult result = fit(weights, train, test, options);
  const EpochRecord& last = result.history.back();
  std::printf("all three signs right: %.1f %%, single signs: %.1f %%\n", 100 * last["val_exact_match"],
              100 * last["val_accuracy_of_heads"]);
  return last["val_exact_match"] > 0.9 ? 0 : 1;
}
// [heads]
