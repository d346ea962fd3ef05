// The README's example. It runs without arguments on a few images that it draws itself.
#include <captcha/data/png.hpp>

#include <filesystem>

namespace {

/// A folder of 64 small pictures, `a_*.png` brighter than `b_*.png`.
std::filesystem::path pictures() {
  const auto folder = std::filesystem::temp_directory_path() / "captcha-example-first";
  std::filesystem::create_directories(folder);
  for (int i = 0; i < 64; ++i)
    captcha::write_png(
        folder / (std::string(i % 2 == 0 ? "a_" : "b_") + std::to_string(i) + ".png"),
        captcha::Image{
            52, 32, 1,
            std::vector<std::uint8_t>(52 * 32, static_cast<std::uint8_t>(i % 2 == 0 ? 150 + i : 40 + i))});
  return folder;
}

}  // namespace

// [first]
#include <captcha/resnet.hpp>
#include <captcha/train.hpp>

using namespace captcha;
using Net = ResNet18<20, 1>;  // 20 classes, 1 channel: a type, for images of any size

static_assert(parameter_count<Net> == 11'180'500);
static_assert(check_shapes<Net, chw(1, 52, 32)>() && Net::out(chw(1, 52, 32)) == flat(20));

int main(int argc, char** argv) {
  const ImageFolder<chw(1, 52, 32)> images(argc > 1 ? argv[1] : pictures());  // a_1.png, a_2.png, b_1.png, …
  const auto [train, test] = split(images, {0.8, 0.2});
  const auto moving = map(train, Augment{Affine{.rotate = 8}, GaussianNoise{.deviation = 0.02f}});

  Weights<Net> weights(1);  // values, made from a seed
  fit(weights, moving, test, {.epochs = 2, .batch_size = 16, .optimizer = AdamW{.learning_rate = 2e-3f}},
      ProgressBar{});
  save_weights(std::filesystem::temp_directory_path() / "weights.safetensors",
               weights);  // readable by PyTorch under torchvision's names
}
// [first]
