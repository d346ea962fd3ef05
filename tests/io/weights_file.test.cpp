#include <captcha/io/model_info.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>

using namespace captcha;

namespace {

using Ours = ResNet18<20, 1, Stem::imagenet, 4>;
using Theirs = ResNet18<1000, 3, Stem::imagenet, 4>;

struct TemporaryFile {
  std::filesystem::path path;
  explicit TemporaryFile(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("captcha-test-" + name)) {}
  ~TemporaryFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("weights come back as they were saved") {
  const TemporaryFile file("weights.safetensors");
  const Weights<Ours> saved(1);
  save_weights(file.path, saved);
  Weights<Ours> loaded(2);
  const LoadReport report = load_weights(file.path, loaded);
  CHECK(report.loaded == Weights<Ours>::slots().size());
  CHECK(std::ranges::equal(saved.parameters(), loaded.parameters()));
  CHECK(std::ranges::equal(saved.buffers(), loaded.buffers()));
  const SafetensorsFile raw = SafetensorsFile::read(file.path);
  CHECK(raw.integrity() == Integrity::verified);
  CHECK(raw.find("conv1.weight")->shape == std::vector<std::size_t>{4, 1, 7, 7});
  CHECK(raw.find("layer2.0.downsample.1.running_var")->shape == std::vector<std::size_t>{8});
}

TEST_CASE("another input and another classifier: strictly an error, else adapted and replaced") {
  const TemporaryFile file("theirs.safetensors");
  const Weights<Theirs> theirs(1);
  save_weights(file.path, theirs);
  Weights<Ours> ours(2);
  const Weights<Ours> before = ours;
  CHECK_THROWS_WITH(load_weights(file.path, ours), Catch::Contains("conv1.weight") &&
                                                       Catch::Contains("fc.weight") &&
                                                       Catch::Contains("fc.bias"));
  CHECK(std::ranges::equal(ours.parameters(), before.parameters()));

  const LoadReport report = load_weights(file.path, ours, {.strict = false, .adapt = true});
  CHECK(report.adapted == std::vector<std::string>{"conv1.weight"});
  CHECK(report.replaced == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(report.missing.empty());
  CHECK(report.misshaped.empty());
  const auto rgb = theirs.get(Weights<Theirs>::slot("conv1.weight"));
  const auto grey = ours.get(Weights<Ours>::slot("conv1.weight"));
  for (std::size_t out = 0; out < 4; ++out)
    for (std::size_t i = 0; i < 49; ++i)
      CHECK(grey[out * 49 + i] ==
            Approx(rgb[out * 147 + i] + rgb[out * 147 + 49 + i] + rgb[out * 147 + 98 + i]));
  CHECK(std::ranges::equal(ours.values(Weights<Ours>::slot("fc.weight")),
                           before.values(Weights<Ours>::slot("fc.weight"))));
}

TEST_CASE("channels are adapted so that a constant image gives what it gave") {
  const std::vector<float> weight{1, 2, 3, 4, 5, 6};  // 2 filters, 3 channels, 1 x 1
  const std::vector<std::size_t> shape{2, 3, 1, 1};
  for (const std::size_t channels :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}, std::size_t{6}}) {
    const auto adapted = adapt_channels(weight, shape, channels);
    REQUIRE(adapted.size() == 2 * channels);
    if (channels % 3 == 0 || channels == 1) {
      CHECK(std::accumulate(adapted.begin(), adapted.begin() + static_cast<std::ptrdiff_t>(channels), 0.0f) ==
            Approx(6));
      CHECK(std::accumulate(adapted.begin() + static_cast<std::ptrdiff_t>(channels), adapted.end(), 0.0f) ==
            Approx(15));
    }
  }
  CHECK(adapt_channels(weight, shape, 4)[3] == Approx(0.75f));  // the first channel again, times 3 / 4
}

TEST_CASE("what a model file says of itself comes back, and what it should not say is refused") {
  const TemporaryFile file("info.safetensors");
  const ModelInfo info{"resnet18", {"a", "b\"", "ü"}, "standardise", chw(1, 52, 32)};
  save_weights(file.path, Weights<Ours>(1), to_metadata<Ours>(info));
  const ModelInfo read = model_info(SafetensorsFile::read(file.path), "f");
  CHECK(read.architecture == info.architecture);
  CHECK(read.classes == info.classes);
  CHECK(read.normalisation == info.normalisation);
  CHECK(read.input == info.input);

  auto newer = to_metadata<Ours>(info);
  newer["captcha.format"] = "2";
  save_weights(file.path, Weights<Ours>(1), newer);
  CHECK_THROWS_WITH(model_info(SafetensorsFile::read(file.path), "f"),
                    Catch::Contains("format 2") && Catch::Contains("newer"));
  save_weights(file.path, Weights<Ours>(1));
  CHECK_THROWS_WITH(model_info(SafetensorsFile::read(file.path), "f"),
                    Catch::Contains("not written by captcha"));
  CHECK(fingerprint<Ours>() != fingerprint<Theirs>());
}

TEST_CASE("shapes are read as they are written") {
  CHECK(shape_from("1 x 52 x 32") == chw(1, 52, 32));
  CHECK(shape_from("20") == flat(20));
  for (const char* text :
       {"", "x", "1 x 2", "1 x 2 x 3 x 4", "01 x 2 x 3", "-1", "1x2x3", "9999999999 x 1 x 1"})
    CHECK_THROWS_AS(shape_from(text), Error);
}

TEST_CASE("weights are written without metadata and hashes where others read them, and load all the same") {
  const TemporaryFile file("plain.safetensors");
  const auto weights = varied_weights<Linear<3, 2>, float>(1);
  for (const std::map<std::string, std::string>& metadata :
       {std::map<std::string, std::string>{}, std::map<std::string, std::string>{{"format", "pt"}}}) {
    save_weights(file.path, weights, metadata, {.hashed = false});
    const SafetensorsFile read = SafetensorsFile::read(file.path);
    CHECK(read.metadata() == metadata);
    CHECK(read.integrity() == Integrity::absent);
    std::ifstream bytes(file.path, std::ios::binary);
    CHECK(std::string(std::istreambuf_iterator<char>(bytes), {}).find("captcha") == std::string::npos);
    auto loaded = Weights<Linear<3, 2>>::zeros();
    load_weights(file.path, loaded);
    CHECK(std::ranges::equal(loaded.parameters(), weights.parameters()));
  }
}

TEST_CASE("half precision rounds to the nearest, and all of its numbers come back") {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      CHECK(std::isnan(half_to_float(float_to_half(value))));
    } else if (float_to_half(value) != bits) {
      CAPTURE(bits, value);
      FAIL_CHECK("another number");
    } else if (bits % 0x8000 < 0x7BFF) {  // the middle between two neighbours goes to the even one
      const float next = half_to_float(static_cast<std::uint16_t>(bits + 1));
      const float middle = (value + next) / 2;
      if (float_to_half(middle) != bits + bits % 2 || float_to_half(std::nextafter(middle, value)) != bits ||
          float_to_half(std::nextafter(middle, next)) != bits + 1) {
        CAPTURE(bits, middle);
        FAIL_CHECK("not rounded to the nearest");
      }
    }
  }
  CHECK(float_to_half(65519.0f) == 0x7BFF);
  CHECK(float_to_half(65520.0f) == 0x7C00);
  CHECK(float_to_half(-1e-9f) == 0x8000);
}

TEST_CASE("weights in half precision take half the room, and biases, norms and statistics stay exact") {
  const TemporaryFile file("half.safetensors");
  auto weights = varied_weights<Ours, float>(1);
  save_weights(file.path, weights, {}, {.half = true});
  Weights<Ours> loaded(2);
  load_weights(file.path, loaded);
  CHECK(std::ranges::equal(weights.buffers(), loaded.buffers()));
  for (const PlacedSlot& placed : Weights<Ours>::slots()) {
    const auto was = weights.get(placed), is = loaded.get(placed);
    INFO(placed.name);
    if (placed.slot.role != Role::weight) {
      CHECK(was == is);
      continue;
    }
    CHECK(was != is);
    bool near = true;
    for (std::size_t i = 0; i < was.size(); ++i)
      near = near && std::abs(was[i] - is[i]) <= std::abs(was[i]) / 2048 + 1e-7f;
    CHECK(near);
  }
  const auto half = std::filesystem::file_size(file.path);
  save_weights(file.path, weights);
  CHECK(10 * half < 7 * std::filesystem::file_size(file.path));

  weights.values(Weights<Ours>::slot("fc.weight"))[0] = 70000;
  CHECK_THROWS_WITH(save_weights(file.path, weights, {}, {.half = true}),
                    Catch::Contains("'fc.weight' holds 70000"));
}

TEST_CASE("real ImageNet weights without layer4's convolutions start a grey network of 20 classes") {
  const char* shared = std::getenv("CAPTCHA_SHARED");
#ifdef CAPTCHA_SHARED_DIR
  if (!shared) shared = CAPTCHA_SHARED_DIR;
#endif
  const std::filesystem::path file =
      std::filesystem::path(shared ? shared : "") / "weights/resnet18_imagenet_partial.safetensors";
  if (!shared || !std::filesystem::exists(file)) {
    WARN("the real weights are not here; nothing was tested with them");
    return;
  }
  Weights<ResNet18<20, 1>> weights(1);
  const LoadReport report = load_weights(file, weights, {.strict = false, .adapt = true});
  CHECK(report.adapted == std::vector<std::string>{"conv1.weight"});
  CHECK(report.replaced == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(report.missing.size() == 20);  // four convolutions and the batch norms behind them
  for (const std::string& name : report.missing) {
    INFO(name);
    CHECK(name.starts_with("layer4."));
    CHECK((name.find(".conv") != std::string::npos || name.find(".bn") != std::string::npos));
  }
  CHECK(report.unexpected.empty());
  CHECK(report.misshaped.empty());
}
