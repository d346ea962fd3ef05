// Weights made elsewhere: load what fits, adapt the first convolution, replace the classifier, report the
// rest. `06_pretrained FILE.safetensors` loads that file into ResNet-18; without one it makes a file to load.
#include <captcha/captcha.hpp>

#include <cstdio>
#include <filesystem>

using namespace captcha;

// [pretrained]
using ThreeChannels =
    ResNet18<1000, 3, Stem::imagenet, 8>;         // as a file from torchvision would hold it, but narrow
using Ours = ResNet18<20, 1, Stem::imagenet, 8>;  // 20 classes, 1 channel

template <class Net>
void start_from(const std::filesystem::path& file) {
  Weights<Net> weights(1);
  const LoadReport report = load_weights(file, weights, {.strict = false, .adapt = true});
  std::printf("%s\n", report.text().c_str());
}

int main(int argc, char** argv) {
  if (argc > 1) {
    start_from<ResNet18<20, 1>>(argv[1]);
    return 0;
  }
  const auto file = std::filesystem::temp_directory_path() / "captcha-example-pretrained.safetensors";
  save_weights(file, Weights<ThreeChannels>(1));
  start_from<Ours>(file);
  std::filesystem::remove(file);
}
// [pretrained]
