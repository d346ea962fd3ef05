// ResNet-18 on a folder of PNG images, `05_folder DIR`; without one it makes a small folder of its own.
#include <captcha/captcha.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

using namespace captcha;

namespace {

/// A folder of simple pictures: `0_*.png` are brighter above, `1_*.png` below.
std::filesystem::path small_folder() {
  const auto folder = std::filesystem::temp_directory_path() / "captcha-example-folder";
  std::filesystem::create_directories(folder);
  for (std::uint64_t i = 0; i < 96; ++i) {
    Random random(1, Purpose::generate, 0, i);
    Image image{52, 32, 1, std::vector<std::uint8_t>(52 * 32)};
    for (int row = 0; row < image.height; ++row)
      for (int column = 0; column < image.width; ++column)
        image.at(row, column) =
            static_cast<std::uint8_t>(random.below(120) + ((row < 26) == (i % 2 == 0) ? 100 : 0));
    write_png(folder / (std::to_string(i % 2) + "_" + std::to_string(i) + ".png"), image);
  }
  return folder;
}

}  // namespace

// [folder]
int main(int argc, char** argv) {
  const ImageFolder<chw(1, 52, 32)> images(argc > 1 ? argv[1] : small_folder());
  using Net = ResNet18<20, 1>;  // 20 classes at the most

  const auto [train, test] = split(images, {0.8, 0.2}, {.seed = 1});
  const auto moving =
      map(train, Augment{Affine{.rotate = 5}, GaussianNoise{.deviation = 0.02f}, Standardise{}});
  const auto still = map(test, Standardise{});

  Weights<Net> weights(1);
  const FitResult result = fit(weights, moving, still, {.epochs = 3, .batch_size = 16}, ProgressBar{});
  std::printf("%.1f %% of the %zu unseen images right\n", 100 * result.history.back()["val_accuracy"],
              still.size());

  // One image at a time, in the usual (C, H, W) order, prepared as in training.
  Predictor<Net, chw(1, 52, 32)> predict(weights);
  std::vector<float> pixels(still.shape.size());
  Random random(1);
  const int truth = still.get(0, pixels, random);
  const std::vector<float> probabilities = predict.probabilities(pixels);
  std::printf("%s: class %s with probability %.2f\n", still.name(0).c_str(),
              images.classes()[static_cast<std::size_t>(truth)].c_str(),
              static_cast<double>(probabilities[static_cast<std::size_t>(truth)]));
}
// [folder]
