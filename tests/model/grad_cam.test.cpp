// Grad-CAM: against its formula with numerical derivatives, at every kind of place, and without a trace.
#include <captcha/layers.hpp>
#include <captcha/model/grad_cam.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <thread>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape shape = chw(2, 9, 7);
// A network in two parts, so that the second can be run on activations that were changed by hand. "front" and
// "both" have the same parameters, but not the same output: the outer one is meant.
using Front = Chain<Named<"both", Chain<Named<"conv", Conv2d<2, 5, Conv{.stride = 2, .padding = 1}>>,
                                        Named<"norm", BatchNorm2d<5>>>>,
                    ReLU>;
using Rest = Chain<
    Named<"block", Residual<Chain<Named<"a", Conv2d<5, 5, Conv{.padding = 1}>>, Named<"b", BatchNorm2d<5>>>>>,
    Dropout<>, GlobalAvgPool2d, Named<"fc", Linear<5, 4>>>;
using Net = Chain<Named<"front", Front>, Named<"rest", Rest>>;
constexpr Shape inner = Front::out(shape);

/// What Net gives for one sample in the order of layers.
template <class Part, Shape In>
std::vector<double> run(const Weights<Part, double>& weights, const std::vector<double>& x) {
  Inference<Part, In, double> inference(1);
  Workers workers;
  const auto y = inference(PackedWeights<Part, In, double>(weights), x.data(), 1, workers);
  return {y.begin(), y.end()};
}

/// The weights of a part, by the names they have in the whole.
template <class Part>
Weights<Part, double> part_of(const Weights<Net, double>& all, const std::string& prefix) {
  auto part = Weights<Part, double>::zeros();
  for (const PlacedSlot& placed : part.slots())
    part.set(placed, std::span<const double>(all.get(all.slot(prefix + placed.name))));
  return part;
}

std::vector<double> scaled_to_one(std::vector<double> map) {
  const double most = *std::max_element(map.begin(), map.end());
  for (double& value : map) value /= most;
  return map;
}

}  // namespace

TEST_CASE("the map is that of the formula, with derivatives measured by differences") {
  const auto weights = varied_weights<Net, double>(3);
  const auto front = part_of<Front>(weights, "front.");
  const auto rest = part_of<Rest>(weights, "rest.");
  GradCam<Net, shape, double> cam;
  std::size_t maps_with_values = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto image = random_values<double>(shape.size(), seed);
    const auto x = to_layer_order<double>(std::span<const double>(image), shape, 1);
    const auto activations = run<Front, shape>(front, x);
    for (std::size_t label = 0; label < 4; ++label) {
      // d score / d A by central differences, then the formula as it stands.
      std::vector<double> map(inner.size() / 5, 0.0);
      for (std::size_t k = 0; k < 5; ++k) {
        double mean = 0;
        for (std::size_t i = k; i < inner.size(); i += 5) {
          constexpr double step = 1e-6;
          auto more = activations, less = activations;
          more[i] += step;
          less[i] -= step;
          mean += (run<Rest, inner>(rest, more)[label] - run<Rest, inner>(rest, less)[label]) / (2 * step);
        }
        mean /= static_cast<double>(map.size());
        for (std::size_t i = 0; i < map.size(); ++i) map[i] += mean * activations[i * 5 + k];
      }
      for (double& value : map) value = std::max(value, 0.0);
      const auto found = cam(weights, std::span<const double>(image), label, "front");
      REQUIRE(found.size() == 9 * 7);
      CHECK(*std::min_element(found.begin(), found.end()) >= 0);
      if (*std::max_element(map.begin(), map.end()) < 1e-9) continue;
      ++maps_with_values;
      const auto expected = scaled_to_one(enlarged<double>(map, inner, shape));
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-6));
      CHECK(*std::max_element(found.begin(), found.end()) == 1.0);
    }
  }
  CHECK(maps_with_values > 8);
}

TEST_CASE("a network made by hand shows where its class lies") {
  // Channel 0 of the convolution passes bright pixels, channel 1 dark ones; class 0 counts the bright ones.
  using Small = Chain<Named<"conv", Conv2d<1, 2, Conv{.kernel = 1, .bias = false}>>, ReLU, GlobalAvgPool2d,
                      Named<"fc", Linear<2, 2>>>;
  constexpr Shape small = chw(1, 4, 6);
  auto weights = Weights<Small>::zeros();
  const auto set = [&](const char* name, std::vector<float> values) {
    weights.set(weights.slot(name), std::span<const float>(values));
  };
  set("conv.weight", {1, -1});
  set("fc.weight", {1, 0, 0, 1});
  std::vector<float> image(small.size(), 0.0f);
  image[2 * 6 + 4] = 3;   // row 2, column 4
  image[1 * 6 + 1] = -3;  // row 1, column 1
  GradCam<Small, small> cam;
  const auto bright = cam(weights, std::span<const float>(image), 0, "conv");
  const auto dark = cam(weights, std::span<const float>(image), 1, "conv");
  const auto expected = [](std::size_t place) {
    std::vector<float> map(24, 0.0f);
    map[place] = 1;
    return map;
  };
  CHECK(bright == expected(2 * 6 + 4));
  CHECK(dark == expected(1 * 6 + 1));
  std::fill(image.begin(), image.end(), 0.0f);
  const auto nothing = cam(weights, std::span<const float>(image), 0, "conv");
  CHECK(nothing == std::vector<float>(24, 0.0f));
}

TEST_CASE("layers of every depth are found by name, and others are named") {
  using Res = ResNet18<5, 1, Stem::imagenet, 8>;
  constexpr Shape characters = chw(1, 52, 32);
  const auto weights = varied_weights<Res, float>(1);
  const auto image = random_values<float>(characters.size(), 2);
  GradCam<Res, characters> cam;
  const auto at = [&](const char* layer) { return cam(weights, std::span<const float>(image), 3, layer); };
  for (const char* layer : {"conv1", "bn1", "layer1", "layer2.0", "layer2.0.conv1", "layer2.0.bn2",
                            "layer2.0.downsample", "layer2.0.downsample.1", "layer3", "layer4.1"}) {
    INFO(layer);
    CHECK(at(layer).size() == 52 * 32);
  }
  // The last block of a stage gives what the stage gives.
  CHECK(at("layer3.1") == at("layer3"));
  CHECK(at("layer2") != at("layer3"));
  CHECK_THROWS_WITH(at("layer9"), Catch::Contains("'layer9'; there are conv1, bn1, layer1, layer2, layer3, "
                                                  "layer4, fc and those inside them"));
  CHECK_THROWS_WITH(at("layer"), Catch::Contains("'layer'"));
  CHECK_THROWS_WITH(at(""), Catch::Contains("''"));
  CHECK_THROWS_WITH(at("fc"), Catch::Contains("'fc' gives no image"));
  CHECK_THROWS_WITH(cam(weights, std::span<const float>(image), 5, "layer1"),
                    Catch::Contains("class 5, the network knows 5"));
  CHECK_THROWS_WITH(cam(weights, std::span<const float>(image).first(7), 1, "layer1"),
                    Catch::Contains("7 values, a 1 x 52 x 32 image has 1664"));
}

TEST_CASE("explaining leaves no trace, and threads that share weights get the same bits") {
  using Res = ResNet18<5, 1, Stem::imagenet, 8>;
  constexpr Shape characters = chw(1, 52, 32);
  const auto weights = varied_weights<Res, float>(1);
  const auto copy = weights;
  const auto image = random_values<float>(characters.size(), 2);
  GradCam<Res, characters> one;
  const auto first = one(weights, std::span<const float>(image), 3, "layer2");
  CHECK(std::ranges::equal(weights.buffers(), copy.buffers()));
  CHECK(std::ranges::equal(weights.parameters(), copy.parameters()));
  std::vector<std::vector<float>> maps(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < maps.size(); ++i)
    threads.emplace_back([&, i] {
      GradCam<Res, characters> own(static_cast<int>(i % 2) + 1);
      for (int repeat = 0; repeat < 5; ++repeat)
        maps[i] = own(weights, std::span<const float>(image), 3, "layer2");
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& map : maps) CHECK(map == first);
}

TEST_CASE("a small map is enlarged by straight lines between the centres of its cells") {
  const std::vector<double> map{0, 4};
  const auto wide = enlarged<double>(map, chw(3, 1, 2), chw(1, 2, 8));
  const std::vector<double> line{0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4};
  REQUIRE(wide.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) CHECK(wide[i] == Approx(line[i % 8]));
  const std::vector<double> same{1, 2, 3, 4, 5, 6};
  CHECK(enlarged<double>(same, chw(1, 2, 3), chw(1, 2, 3)) == same);
}
