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
#include <fstream>
#include <ios>
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

void flip_a_bit(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char last = static_cast<char>(file.peek() ^ 1);
  file.seekp(-1, std::ios::end);
  file.put(last);
}

}  // namespace

TEMPLATE_TEST_CASE("packed weights predict from a file what they predict from memory, to the bit", "", float,
                   BFloat16) {
  const TemporaryFolder folder;
  const auto file = folder.path / "packed.safetensors";
  const auto weights = varied_weights<Net, float>(2);
  save_packed(file, pack<shape, TestType>(weights), {{"note", "of mine"}});
  CHECK(SafetensorsFile::read(file).metadata().at("note") == "of mine");

  const auto image = random_values<float>(shape.size(), 3);
  Predictor<Net, shape, TestType> expected(weights);
  const auto logits = expected(image);
  std::optional loaded(load_packed<Net, shape, TestType>(file));
  Predictor mapped(*loaded), another(*loaded);
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
  CHECK_THAT(refusal(load_it), Catch::Contains("its form of weights is F64, expected F32"));
  save_packed(file, pack<shape, BFloat16>(weights));
  CHECK_THAT(refusal(load_it),
             Catch::Contains("its form of weights is BF16, expected F32; pack the weights again"));
  const auto load_narrow = [&] { load_packed<Net, shape, BFloat16>(file); };
  CHECK(refusal(load_narrow).empty());
  flip_a_bit(file);
  CHECK_THAT(refusal(load_narrow), Catch::Contains("x.safetensors: tensor \"packed\" is damaged"));
  save_packed(file, pack<shape>(weights));
  CHECK_THAT(refusal(load_narrow), Catch::Contains("its form of weights is F32, expected BF16"));
  save_weights(file, weights);
  CHECK_THAT(refusal(load_it), Catch::Contains("its version of packed weights is nothing, expected 1"));

  save_packed(file, pack<shape>(weights));
  CHECK(refusal(load_it).empty());
  auto others = weights;
  CHECK_THAT(refusal([&] { load_weights(file, others); }), Catch::Contains("packed for prediction"));
  auto metadata = SafetensorsFile::read(file).metadata();
  const std::vector<float> values(PackedWeights<Net, shape>::size);
  const auto write = [&](std::size_t count) {
    const auto some = std::span(values).first(count);
    const std::array<SafeTensor, 1> tensors{SafeTensor{"packed", Dtype::f32, {count}, std::as_bytes(some)}};
    write_safetensors(file, tensors, metadata);
  };
  write(values.size() - 1);
  CHECK_THAT(refusal(load_it), Catch::Contains("no tensor 'packed' of "));
  metadata.erase("captcha.weights");  // as before there were others
  write(values.size());
  CHECK(refusal(load_it).empty());
  CHECK_THAT(refusal(load_narrow), Catch::Contains("its form of weights is F32, expected BF16"));
  metadata["captcha.packed"] = std::to_string(packed_format + 1);
  write(values.size());
  CHECK_THAT(refusal(load_it), Catch::Contains("its version of packed weights is 2"));
}
