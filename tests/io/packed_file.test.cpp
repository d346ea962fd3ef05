// Packed weights in a file: the same predictions, and nothing but what was packed for this network.
#include <captcha/io/packed_file.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/layers.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

using namespace captcha;

namespace {

// A convolution that is computed by Winograd's way, a norm that is folded and a layer that packs nothing.
template <int Classes>
using NetOf = Chain<Named<"conv", Conv2d<16, 16, Conv{.padding = 1, .bias = false}>>,
                    Named<"norm", BatchNorm2d<16>>, ReLU, GlobalAvgPool2d, Named<"fc", Linear<16, Classes>>>;
using Net = NetOf<5>;
constexpr Shape shape = chw(16, 13, 8);

}  // namespace

TEST_CASE("packed weights predict from a file what they predict from memory, to the bit") {
  const TemporaryFolder folder;
  const auto file = folder.path / "packed.safetensors";
  const auto weights = varied_weights<Net, float>(2);
  save_packed(file, pack<shape>(weights), {{"note", "of mine"}});
  CHECK(SafetensorsFile::read(file).metadata().at("note") == "of mine");

  const auto image = random_values<float>(shape.size(), 3);
  Predictor<Net, shape> expected(weights);
  const auto logits = expected(image);
  std::optional loaded(load_packed<Net, shape>(file));
  Predictor<Net, shape> mapped(*loaded), another(*loaded);
  loaded.reset();
  std::filesystem::remove(file);
  CHECK(mapped(image) == logits);  // it keeps the file
  CHECK(another(image) == logits);
}

TEST_CASE("a file of other packed weights is refused, and says which") {
  const TemporaryFolder folder;
  const auto file = folder.path / "x.safetensors";
  const auto weights = varied_weights<Net, float>(2);
  const auto refusal = [&](auto&& load) -> std::string {
    try {
      load();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto load_it = [&] { load_packed<Net, shape>(file); };

  save_packed(file, pack<shape>(varied_weights<NetOf<6>, float>(2)));
  CHECK_THAT(refusal(load_it), Catch::Contains("x.safetensors: its network's fingerprint is "));
  save_packed(file, pack<chw(16, 12, 8)>(weights));
  CHECK_THAT(refusal(load_it), Catch::Contains("its input is 16 x 12 x 8, expected 16 x 13 x 8"));
  save_packed(file, pack<shape>(varied_weights<Net, double>(2)));
  CHECK_THAT(refusal(load_it), Catch::Contains("no tensor 'packed' of "));
  save_weights(file, weights);
  CHECK_THAT(refusal(load_it), Catch::Contains("its version of packed weights is nothing, expected 1"));

  save_packed(file, pack<shape>(weights));
  CHECK(refusal(load_it).empty());
  auto others = weights;
  CHECK_THAT(refusal([&] { load_weights(file, others); }), Catch::Contains("packed for prediction"));
  auto metadata = SafetensorsFile::read(file).metadata();
  metadata["captcha.packed"] = std::to_string(packed_format + 1);
  const std::vector<float> values(PackedWeights<Net, shape>::size);
  const std::array<SafeTensor, 1> newer{
      SafeTensor{"packed", Dtype::f32, {values.size()}, std::as_bytes(std::span(values))}};
  write_safetensors(file, newer, metadata);
  CHECK_THAT(refusal(load_it), Catch::Contains("its version of packed weights is 2"));
}
