// ONNX files: ONNX Runtime computes from them what we do, for every layer and every network of the family.
//
// ONNX Runtime is run by node where `.ci/install --check` or bench/compare/run has installed it; without it
// the tests that need it say so and pass, and those that read the files themselves remain. Where
// CAPTCHA_NODE_MODULES says where it is, as in .ci/run, it must be there.
#include <captcha/data/folder.hpp>
#include <captcha/data/normalise.hpp>
#include <captcha/io/onnx.hpp>
#include <captcha/layers.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/models/mlp.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/testing/values.hpp>

#include "../../examples/cifar_resnet.hpp"
#include "catch.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace captcha;
namespace fs = std::filesystem;

namespace {

fs::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

/// Where node finds onnxruntime-node; empty when it is not there.
std::string node_modules() {
  const char* const told = std::getenv("CAPTCHA_NODE_MODULES");
  const fs::path folder = told ? told : CAPTCHA_NODE_MODULES;
  const bool there =
      fs::exists(folder / "onnxruntime-node") && std::system("node --version > /dev/null 2>&1") == 0;
  INFO("no onnxruntime-node in " << folder << "; .ci/install --check installs it");
  if (told) REQUIRE(there);
  if (!there) WARN("not compared");
  return there ? folder.string() : "";
}

std::vector<float> read_floats(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), values.size() * sizeof(float), reinterpret_cast<char*>(values.data()));
  return values;
}

/// Models on their way through ONNX Runtime, all in one process.
class Comparison {
 public:
  explicit Comparison(std::string modules) : modules_(std::move(modules)) {}

  /// Writes the model, folded and not, and what we predict for images in (N, C, H, W) order.
  template <Shape S, class Net>
  void add(const std::string& name, const Weights<Net>& weights, const std::vector<float>& images,
           const std::vector<float>& raw = {}) {
    Predictor<Net, S> predictor(weights);
    Expected& expected = expected_.emplace_back(Expected{name});
    for (std::size_t at = 0; at < images.size(); at += S.size()) {
      const auto logits = predictor(std::span(images).subspan(at, S.size()));
      expected.logits.insert(expected.logits.end(), logits.begin(), logits.end());
    }
    if constexpr (!Net::out(S).is_flat)  // from our order, one sample at a time, to (C, H, W)
      for (std::size_t at = 0; at < expected.logits.size(); at += Net::out(S).size()) {
        const std::span<float> one(expected.logits.data() + at, Net::out(S).size());
        const auto theirs = from_layer_order<float>(std::span<const float>(one), Net::out(S), 1);
        std::copy(theirs.begin(), theirs.end(), one.begin());
      }
    run<S>(name + "-folded", name, weights, images, {});
    run<S>(name + "-apart", name, weights, images, {.fold = false});
    if (!raw.empty()) run<S>(name + "-raw", name, weights, raw, {.standardise = true});
  }

  /// Takes these logits in place of our own.
  void expect(const std::string& name, const std::vector<float>& logits) {
    for (Expected& each : expected_)
      if (each.name == name) each.logits = logits;
  }

  /// Runs them all, and checks that no logit is further away than 1e-4 (of the largest, where that is above
  /// 1).
  void check() {
    std::ofstream(folder_.path / "runs.json") << "[" << runs_ << "]";
    const std::string command = "NODE_PATH='" + modules_ + "' node '" + CAPTCHA_IO_TESTS "/onnx_run.js' '" +
                                folder_.path.string() + "' > '" + (folder_.path / "log").string() + "' 2>&1";
    const int status = std::system(command.c_str());
    std::ifstream log(folder_.path / "log");
    INFO(std::string(std::istreambuf_iterator<char>(log), {}));
    REQUIRE(status == 0);
    for (const Run& run : files_) {
      const auto found = std::find_if(expected_.begin(), expected_.end(),
                                      [&](const Expected& each) { return each.name == run.name; });
      const std::vector<float> actual = read_floats(folder_.path / (run.file + ".out"));
      REQUIRE(actual.size() == found->logits.size());
      float largest = 1, apart = 0;
      for (std::size_t i = 0; i < actual.size(); ++i) {
        largest = std::max(largest, std::abs(found->logits[i]));
        const float difference = std::abs(actual[i] - found->logits[i]);
        apart = difference <= apart ? apart : difference;  // not-a-number stays
      }
      INFO(run.file << ": " << apart << " of " << largest);
      CHECK(apart <= std::max(1e-4f, 5e-6f * largest));
    }
  }

 private:
  struct Run {
    std::string file, name;
  };
  struct Expected {
    std::string name;
    std::vector<float> logits{};
  };

  template <Shape S, class Net>
  void run(const std::string& file, const std::string& name, const Weights<Net>& weights,
           const std::vector<float>& images, const OnnxOptions& options) {
    save_onnx<S>(folder_.path / (file + ".onnx"), weights, {"test", {"a", "b"}, "none"}, options);
    std::ofstream(folder_.path / (file + ".in"), std::ios::binary)
        .write(reinterpret_cast<const char*>(images.data()),
               static_cast<std::streamsize>(images.size() * sizeof(float)));
    std::string shape = std::to_string(images.size() / S.size()) + ", " + std::to_string(S.channels);
    if (!S.is_flat) shape += ", " + std::to_string(S.height) + ", " + std::to_string(S.width);
    runs_ += (runs_.empty() ? "" : ",\n") + ("{\"model\": \"" + file) + ".onnx\", \"input\": \"" + file +
             ".in\", \"output\": \"" + file + ".out\", \"shape\": [" + shape + "]}";
    files_.push_back({file, name});
  }

  std::string modules_;
  TemporaryFolder folder_;
  std::vector<Expected> expected_;
  std::vector<Run> files_;
  std::string runs_;
};

template <Shape S, class Net>
void add_varied(Comparison& comparison, const std::string& name, std::size_t images = 3) {
  comparison.add<S>(name, varied_weights<Net, float>(7), random_values<float>(images * S.size(), 8));
}

/// Grey pixels from 0 to 255, as in the picture: real characters where there are some, else made up ones.
std::vector<float> pictures(Shape shape) {
  const fs::path folder = shared_folder() / "data" / "captcha_characters";
  std::vector<float> pixels;
  if (fs::exists(folder)) {
    for (const std::string& name : list_images(folder, false)) {
      const Image image = resize(to_grey(read_png(folder / name)), shape.height, shape.width);
      pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    }
    WARN("with the " << pixels.size() / shape.size() << " images of " << folder);
  } else {
    pixels = random_values<float>(20 * shape.size(), 9, 0, 256);
    for (float& value : pixels) value = std::floor(value);
    WARN("with made up images: no " << folder);
  }
  pixels.insert(pixels.end(), shape.size(), 77.0f);  // constant, which must not become noise
  return pixels;
}

std::vector<float> standardised(std::vector<float> pixels, Shape shape) {
  Random unused(0);
  for (std::size_t at = 0; at < pixels.size(); at += shape.size()) {
    const std::span<float> image(pixels.data() + at, shape.size());
    for (float& value : image) value /= 255;
    Standardise{}(image, shape, unused);
  }
  return pixels;
}

// Every layer and composition, and what the fusion rules make of neighbours.
using Everything = Chain<
    Conv2d<2, 6, Conv{.kernel = {3, 5}, .stride = {1, 2}, .padding = {2, 1}, .dilation = {2, 1}}>,
    Named<"norm", BatchNorm2d<6, Norm{.eps = 1e-3f}>>, ReLU,
    Named<"grouped", Conv2d<6, 12, Conv{.padding = 1, .groups = 3}>>, MaxPool2d<Pool{3, 2, 1}>,
    Named<"alone", BatchNorm2d<12>>, AvgPool2d<Pool{.kernel = 3, .stride = 1, .padding = 1}>,
    AvgPool2d<Pool{.kernel = 2, .stride = 1, .padding = 1, .count_padding = false}>,
    Named<"body", Residual<Sequential<Conv2d<12, 12, Conv{.padding = 1}>, ReLU>>>,
    Residual<
        Named<"left", Conv2d<12, 8, Conv{.kernel = 1, .stride = 2}>>,
        Named<"right", Chain<Conv2d<12, 8, Conv{.kernel = 1, .stride = 2}>, Named<"norm", BatchNorm2d<8>>>>>,
    ReLU, Identity, Dropout<>, Named<"stack", Repeat<2, Conv2d<8, 8, Conv{.padding = 1}>>>, Flatten,
    Named<"fc1", Linear<8 * 4 * 2, 5, false>>, Named<"fc2", Linear<5, 3>>>;
// A convolution that two batch norms read cannot take either of them.
using Shared =
    Chain<Named<"conv", Conv2d<1, 4>>, Residual<Named<"a", BatchNorm2d<4>>, Named<"b", BatchNorm2d<4>>>>;

}  // namespace

TEST_CASE("ONNX Runtime computes every layer as we do") {
  const std::string modules = node_modules();
  if (modules.empty()) return;
  Comparison comparison(modules);
  add_varied<chw(2, 13, 11), Everything>(comparison, "everything");
  add_varied<chw(1, 7, 6), Shared>(comparison, "shared");
  add_varied<flat(4), Mlp<4, 8, 6, 3>>(comparison, "mlp", 1);
  add_varied<chw(2, 3, 4), Identity>(comparison, "identity");
  add_varied<chw(2, 5, 4), GlobalAvgPool2d>(comparison, "average");
  comparison.check();
}

TEST_CASE("ONNX Runtime computes narrow ResNets of either stem as we do") {
  const std::string modules = node_modules();
  if (modules.empty()) return;
  Comparison comparison(modules);
  add_varied<chw(1, 52, 32), ResNet18<20, 1, Stem::imagenet, 4>>(comparison, "resnet18");
  add_varied<chw(3, 32, 32), ResNet18<10, 3, Stem::small, 4>>(comparison, "resnet18-small");
  add_varied<chw(3, 64, 48), ResNet34<5, 3, Stem::imagenet, 3>>(comparison, "resnet34");
  add_varied<chw(1, 17, 16), ResNet34<5, 1, Stem::small, 3>>(comparison, "resnet34-small");
  add_varied<chw(3, 64, 48), ResNet50<5, 3, Stem::imagenet, 2>>(comparison, "resnet50");
  add_varied<chw(1, 17, 16), ResNet50<5, 1, Stem::small, 2>>(comparison, "resnet50-small");
  add_varied<chw(3, 33, 32), CifarResNet<2>>(comparison, "cifar");
  // As the application's solver: a head for each of five positions, over the columns of the last map.
  using Solver = ResNet<BasicBlock, ResNetOptions{.channels = 1, .width = 4}>::ending_in<
      AvgPool2d<Pool{.kernel = {2, 1}, .stride = {2, 1}}>, Flatten, Named<"fc", Linear<32 * 7, 5 * 20>>>;
  add_varied<chw(1, 50, 200), Solver>(comparison, "solver");
  comparison.check();
}

TEST_CASE("ONNX Runtime gives the logits of the full ResNet-34 and ResNet-50 for pictures") {
  const std::string modules = node_modules();
  if (modules.empty()) return;
  constexpr Shape character = chw(1, 52, 32);
  std::vector<float> images = standardised(pictures(character), character);
  images.resize(std::min(images.size(), 50 * character.size()));
  Comparison comparison(modules);
  comparison.add<character>("resnet34", Weights<ResNet34<20, 1>>(3), images);
  comparison.add<character>("resnet50", Weights<ResNet50<20, 1>>(3), images);
  comparison.check();
}

TEST_CASE("ONNX Runtime gives the logits of the full ResNet-18 for pictures, prepared and as they are") {
  const std::string modules = node_modules();
  if (modules.empty()) return;
  constexpr Shape character = chw(1, 52, 32);
  const std::vector<float> raw = pictures(character);
  Comparison comparison(modules);
  comparison.add<character>("resnet18", Weights<ResNet18<20, 1>>(3), standardised(raw, character), raw);
  comparison.check();
}

TEST_CASE("ONNX Runtime gives the logits of a trained network for real pictures, as we and PyTorch do") {
  const fs::path weights_file = shared_folder() / "weights/cifar_resnet20.safetensors",
                 images_file = shared_folder() / "data/cifar10_1000.safetensors";
  if (!fs::exists(weights_file) || !fs::exists(images_file)) {
    WARN("no " << weights_file << ": nothing was tested with it");
    return;
  }
  const std::string modules = node_modules();
  if (modules.empty()) return;
  constexpr Shape shape = chw(3, 32, 32);
  constexpr std::size_t images = 100;
  auto weights = Weights<CifarResNet<3>>::zeros();
  load_weights(weights_file, weights);
  const SafetensorsFile file = SafetensorsFile::read(images_file);
  auto pixels = to_vector<float>(*file.find("images"));
  pixels.resize(images * shape.size());
  Random unused(0);
  for (std::size_t at = 0; at < pixels.size(); at += shape.size()) {
    const std::span<float> image(pixels.data() + at, shape.size());
    for (float& value : image) value /= 255;
    imagenet_normalise(image, shape, unused);
  }
  auto torch = to_vector<float>(*file.find("cifar_resnet20.logits"));
  torch.resize(images * 10);
  Comparison comparison(modules);
  comparison.add<shape>("cifar", weights, pixels);
  comparison.check();
  comparison.expect("cifar", torch);  // the same files against PyTorch's numbers
  comparison.check();
}

TEST_CASE("batch norms go into the convolution in front of them, but not where something else reads it") {
  const auto count = [](const OnnxGraph& graph, const std::string& op) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                         [&](const OnnxNode& node) { return node.op == op; });
  };
  using Net = ResNet18<20, 1, Stem::imagenet, 4>;
  const Weights<Net> weights(1);
  const OnnxGraph apart = onnx_graph<chw(1, 52, 32)>(weights, {.fold = false}),
                  folded = onnx_graph<chw(1, 52, 32)>(weights);
  CHECK(count(apart, "Conv") == 20);
  CHECK(count(apart, "BatchNormalization") == 20);
  CHECK(apart.tensors().size() == Weights<Net>::slots().size());
  CHECK(count(folded, "Conv") == 20);
  CHECK(count(folded, "BatchNormalization") == 0);
  CHECK(count(folded, "Relu") == 17);
  CHECK(count(folded, "Add") == 8);
  CHECK(folded.tensors().size() == 2 * 20 + 2);
  CHECK(folded.tensors().contains("layer2.0.downsample.0.weight"));
  CHECK_FALSE(folded.tensors().contains("bn1.running_var"));

  const Weights<Shared> shared(1);
  CHECK(count(onnx_graph<chw(1, 7, 6)>(shared), "BatchNormalization") == 2);
  const Weights<Everything> everything(1);
  CHECK(count(onnx_graph<chw(2, 13, 11)>(everything), "BatchNormalization") == 1);  // behind a pooling
}

TEST_CASE("an ONNX file says what it is, what it takes and what its outputs mean") {
  const TemporaryFolder folder;
  const Weights<Mlp<4, 3>> weights(1);
  const ModelInfo info{"mlp", {"a", "\"b\""}, "standardise"};
  save_onnx<flat(4)>(folder.path / "m.onnx", weights, info);
  std::ifstream file(folder.path / "m.onnx", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  CHECK(
      bytes.starts_with("\x08\x07\x12\x07"
                        "captcha"));                           // IR version 7, the producer
  CHECK(bytes.find("\x42\x02\x10\x0D") != std::string::npos);  // operator set 13
  for (const std::string text :
       {"captcha.architecture\x12\x03mlp", "captcha.classes\x12\x0D[\"a\",\"\\\"b\\\"\"]",
        "captcha.normalisation\x12\x0Bstandardise", "captcha.pixels\x12\x08prepared", "\x0A\x05image",
        "\x0A\x06logits", "\x12\x01N", "Gemm", "0.weight"})
    CHECK_THAT(bytes, Catch::Contains(text));
  save_onnx<flat(4)>(folder.path / "m.onnx", weights, info, {.standardise = true});
  CHECK(fs::file_size(folder.path / "m.onnx") > bytes.size());
}

TEST_CASE("a network whose layers share a name is refused, and nothing is written") {
  const TemporaryFolder folder;
  const Weights<Chain<Linear<3, 3>, Linear<3, 3>>> weights(1);
  CHECK_THROWS_WITH(save_onnx<flat(3)>(folder.path / "m.onnx", weights, {}),
                    Catch::Contains("two layers have a 'weight'"));
  CHECK(fs::is_empty(folder.path));
}
