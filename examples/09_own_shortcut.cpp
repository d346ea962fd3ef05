// A shortcut of one's own in a residual block: the CIFAR-10 ResNets of He et al. (2015, arXiv:1512.03385,
// section 4.2), whose shortcut has no parameters: every second row and column, and channels of zeros around.
//
// `09_own_shortcut WEIGHTS.safetensors IMAGES.safetensors` classifies images with trained weights and
// compares the result with logits in the file; without arguments it checks the shortcut's gradients.
#include <captcha/captcha.hpp>
#include <captcha/testing.hpp>

#include "cifar_resnet.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

using namespace captcha;

namespace {

template <class Net>
int compare(const SafetensorsFile& weights_file, const SafetensorsFile& images_file,
            const std::string& logits_name) {
  Weights<Net> weights;
  load_weights(weights_file, "weights", weights);
  const auto pixels = to_vector<float>(*images_file.find("images"));
  const auto labels = to_vector<int>(*images_file.find("labels"));
  const auto expected = to_vector<float>(*images_file.find(logits_name));
  std::vector<float> values(pixels.size());
  std::transform(pixels.begin(), pixels.end(), values.begin(), [](float value) { return value / 255; });
  const auto data = map(ArrayDataset<chw(3, 32, 32), int>(values, labels),
                        Normalise<3>{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}});
  Workers workers(all_threads());
  Accuracy accuracy;
  double furthest = 0;
  std::size_t same = 0;
  for_each_prediction(weights, data, {}, workers, [&](const auto& batch, Outputs<const float> outputs) {
    accuracy.add(outputs, batch.targets());
    for (std::size_t n = 0; n < batch.size(); ++n) {
      const float* const theirs = expected.data() + batch.indices()[n] * 10;
      std::size_t ours_best = 0, theirs_best = 0;
      for (std::size_t c = 0; c < 10; ++c) {
        furthest = std::max(furthest, static_cast<double>(std::abs(outputs(c, n) - theirs[c])));
        if (outputs(c, n) > outputs(ours_best, n)) ours_best = c;
        if (theirs[c] > theirs[theirs_best]) theirs_best = c;
      }
      same += ours_best == theirs_best;
    }
  });
  std::printf("%s: %.1f %% right; %zu of %zu predictions as PyTorch's, logits apart by at most %.2g\n",
              logits_name.c_str(), 100 * accuracy.value(), same, data.size(), furthest);
  return same == data.size() && furthest < 1e-4 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  static_assert(parameter_count<CifarResNet<3>> == 269'722 && parameter_count<CifarResNet<9>> == 853'018);
  if (argc == 3) {
    const SafetensorsFile weights = SafetensorsFile::read(argv[1]), images = SafetensorsFile::read(argv[2]);
    return weights.find("layer1.8.conv1.weight")
               ? compare<CifarResNet<9>>(weights, images, "cifar_resnet56.logits")
               : compare<CifarResNet<3>>(weights, images, "cifar_resnet20.logits");
  }
  const auto report = check_gradients<CifarBlock<4, 8, 2>, chw(4, 6, 6)>();
  std::printf("%s\n", report.message.c_str());
  return report.ok() ? 0 : 1;
}
