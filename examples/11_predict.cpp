// Prediction alone: packed weights, a picture, the likeliest class. No BLAS and no trainer are linked, so the
// program can be one small file: the target `predict_static` is this source, linked statically and stripped.
//   11_predict pack WEIGHTS.safetensors PACKED.safetensors   once, after training
//   11_predict PACKED.safetensors PICTURE.png                (without arguments it does both, with its own)
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/io/packed_file.hpp>
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

void pack_file(const std::filesystem::path& weights_file, const std::filesystem::path& packed_file) {
  auto weights = Weights<Net>::zeros();
  load_weights(weights_file, weights);
  save_packed(packed_file, pack<character>(weights));
}

void predict(const std::filesystem::path& packed_file, const std::filesystem::path& picture) {
  Predictor<Net, character> predictor(load_packed<Net, character>(packed_file));

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
    if (argc == 4 && argv[1] == std::string_view("pack")) {
      pack_file(argv[2], argv[3]);
      return 0;
    }
    if (argc == 3) {
      predict(argv[1], argv[2]);
      return 0;
    }
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "captcha-example-predict";
    std::filesystem::create_directories(folder);
    const auto weights = folder / "weights.safetensors", packed = folder / "packed.safetensors",
               picture = folder / "picture.png";
    save_weights(weights, Weights<Net>(1));
    write_png(picture, Image{52, 32, 1, std::vector<std::uint8_t>(52 * 32, 128)});
    pack_file(weights, packed);
    predict(packed, picture);
    std::filesystem::remove_all(folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
