// Model files for something else than our characters are refused, each with what does not fit.
#include "characters.hpp"

#include <captcha/layers.hpp>

#include "catch.hpp"
#include "foreign_file.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace captcha;
using namespace captcha::app;

namespace {

using Small = Sequential<Flatten, Linear<character.size(), 20>>;

}  // namespace

TEST_CASE("a model of another architecture, input, preparation or list of classes is refused by name") {
  const TemporaryFolder folder;
  const std::string path = (folder.path / "model.safetensors").string();
  const auto refused = [&](auto change, const std::string& says) {
    ModelInfo info = character_info();
    change(info);
    save_weights(path, Weights<Small>(1), to_metadata<Small>(info));
    CHECK_THROWS_WITH(load_model(path), path + ": " + says);
  };
  refused([](ModelInfo& info) { info.architecture = "resnet34"; },
          "its architecture is resnet34, this program reads resnet18");
  refused([](ModelInfo& info) { info.input = chw(3, 32, 32); },
          "its input is 3 x 32 x 32, this program reads 1 x 52 x 32");
  refused([](ModelInfo& info) { info.normalisation = "imagenet"; },
          "its normalisation is imagenet, this program reads standardise");
  refused([](ModelInfo& info) { info.classes.pop_back(); },
          "its list of classes is 19 names, this program reads 2345678abcdefgmnpwxy");
  refused([](ModelInfo& info) { std::swap(info.classes[0], info.classes[1]); },
          "its list of classes is 3245678abcdefgmnpwxy, this program reads 2345678abcdefgmnpwxy");
  refused([](ModelInfo& info) { info.classes = {}; },
          "its list of classes is 0 names, this program reads 2345678abcdefgmnpwxy");
}

TEST_CASE("a model that says it fits and does not is refused with the tensors that differ") {
  const TemporaryFolder folder;
  const std::string path = (folder.path / "model.safetensors").string();
  save_weights(path, Weights<Small>(1), to_metadata<Small>(character_info()));
  CHECK_THROWS_WITH(load_model(path),
                    Catch::StartsWith(path + ": does not fit the network: loaded 0 tensors; missing: ") &&
                        Catch::Contains("conv1.weight") && Catch::Contains("; unexpected: 1.weight, 1.bias"));
  auto metadata = to_metadata<Small>(character_info());
  metadata["captcha.input"] = "large";
  save_weights(path, Weights<Small>(1), metadata);
  CHECK_THROWS_WITH(load_model(path), Catch::StartsWith(path + ": its input: 'large' is no shape"));
  metadata = to_metadata<Small>(character_info());
  metadata["captcha.classes"] = "[\"a\",";
  save_weights(path, Weights<Small>(1), metadata);
  CHECK_THROWS_WITH(load_model(path), Catch::StartsWith(path + ": its class names"));
  write_foreign(path, {{"fc.bias", {2}, {1, 2}}});
  CHECK_THROWS_WITH(load_model(path), Catch::StartsWith(path + ": no 'captcha.format' in its metadata"));
}
