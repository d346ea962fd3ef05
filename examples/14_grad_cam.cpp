// Where does a network look? It learns to tell crosses from rings on noise, then Grad-CAM shows in one image
// which of its places speak for what it says.
#include <captcha/layers.hpp>
#include <captcha/model/grad_cam.hpp>
#include <captcha/train.hpp>

#include <cstddef>
#include <cstdio>
#include <span>
#include <vector>

using namespace captcha;

/// A cross (class 0) or a ring (class 1), 5 x 5 pixels, anywhere.
struct Marks {
  static constexpr Shape shape = chw(1, 16, 24);

  std::size_t size() const { return 600; }
  int get(std::size_t index, std::span<float> pixels) const {
    Random random(1, Purpose::generate, 0, index);
    for (float& pixel : pixels) pixel = 0.3f * random.normal();
    const int label = static_cast<int>(index % 2);
    const auto top = static_cast<int>(random.below(11)), left = static_cast<int>(random.below(19));
    for (int row = 0; row < 5; ++row)
      for (int column = 0; column < 5; ++column) {
        const bool cross = row == 2 || column == 2;
        const bool ring = row % 4 == 0 || column % 4 == 0;
        if (label == 0 ? cross : ring)
          pixels[static_cast<std::size_t>((top + row) * shape.width + left + column)] += 2;
      }
    return label;
  }
};

using Net = Chain<Named<"conv1", Conv2d<1, 8, Conv{.padding = 1}>>, Named<"bn1", BatchNorm2d<8>>, ReLU,
                  Named<"conv2", Conv2d<8, 16, Conv{.stride = 2, .padding = 1}>>,
                  Named<"bn2", BatchNorm2d<16>>, ReLU, GlobalAvgPool2d, Named<"fc", Linear<16, 2>>>;

int main() {
  const Marks marks;
  Weights<Net> weights(1);
  const FitResult result = fit(weights, marks, {.epochs = 8, .optimizer = AdamW{.learning_rate = 1e-2f}});
  std::printf("%.0f %% of the marks are known\n", 100 * result.history.back()["train_accuracy"]);

  // [cam]
  std::vector<float> pixels(Marks::shape.size());
  const int label = marks.get(7, pixels);
  GradCam<Net, Marks::shape> cam;
  const std::vector<float> map =  // one value from 0 to 1 a pixel
      cam(weights, std::span<const float>(pixels), static_cast<std::size_t>(label), "bn2");
  // [cam]

  for (std::size_t i = 0; i < map.size(); ++i)
    std::printf("%c%c%s", pixels[i] > 1 ? 'o' : ' ', " .:+#"[static_cast<int>(4.99f * map[i])],
                (i + 1) % static_cast<std::size_t>(Marks::shape.width) == 0 ? "\n" : "");
}
