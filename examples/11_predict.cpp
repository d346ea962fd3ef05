// Prediction alone: weights, a picture, the likeliest class. No BLAS and no trainer are linked, so the
// program can be one small file: the target `predict_static` is this source, linked statically and stripped.
//   11_predict WEIGHTS.safetensors PICTURE.png     (without arguments it makes both)
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/models/resnet.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

// [predict]
using namespace captcha;

constexpr std::string_view letters = "2345678abcdefgmnpwxy";
constexpr Shape character = chw(1, 52, 32);
using Net = ResNet18<letters.size(), 1>;

void predict(const std::filesystem::path& weights_file, const std::filesystem::path& picture) {
  auto weights = Weights<Net>::zeros();
  load_weights(weights_file, weights);
  Predictor<Net, character> predictor(weights);

  const Image image = resize(to_grey(read_png(picture)), character.height, character.width);
  std::vector<float> pixels(image.pixels.begin(), image.pixels.end());
  Random unused(0);
  Standardise{}(pixels, character, unused);

  const std::vector<float> probabilities = predictor.probabilities(pixels);
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  std::printf("%c %.4f\n", letters[static_cast<std::size_t>(best - probabilities.begin())],
              static_cast<double>(*best));
}
// [predict]

int main(int argc, char** argv) {
  try {
    if (argc == 3) {
      predict(argv[1], argv[2]);
      return 0;
    }
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    const auto weights = folder / "captcha-example-predict.safetensors",
               picture = folder / "captcha-example-predict.png";
    save_weights(weights, Weights<Net>(1));
    write_png(picture, Image{52, 32, 1, std::vector<std::uint8_t>(52 * 32, 128)});
    predict(weights, picture);
    std::filesystem::remove(weights);
    std::filesystem::remove(picture);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
