// A network in a C++ header: examples/one_file/main.cpp is compiled with a small one, and predicts without
// any other file what we predict.
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/io/embedded.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace captcha;
namespace fs = std::filesystem;

namespace {

using Net = ResNet18<6, 1, Stem::imagenet, 4>;  // two letters of three classes
constexpr Shape shape = chw(1, 52, 32);
const EmbeddedOptions spelled{"captcha::ResNet18<6, 1, captcha::Stem::imagenet, 4>",
                              {"captcha/models/resnet.hpp"}};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a program of one file predicts with the weights in it") {
  const auto [small, narrow] =
      GENERATE(std::pair(false, false), std::pair(true, false), std::pair(false, true));
  CAPTURE(small, narrow);
  const TemporaryFolder folder;
  auto weights = varied_weights<Net, float>(3);
  const std::vector<std::string> classes{"u", "v", "\"w\\"};
  fs::create_directories(folder.path / "build");
  auto options = spelled;
  options.small = small;
  options.narrow = narrow;
  save_embedded<shape>(folder.path / "build/weights.hpp", weights, {"resnet18", classes, "standardise"},
                       options);
  if (small) load_weights(folder.path / "build/weights.hpp.bin", weights);  // rounded
  CHECK(text_of(folder.path / "build/weights.hpp").size() < 2000);

  Image image{52, 32, 1, {}};
  for (const float value : random_values<float>(shape.size(), 4, 0, 256))
    image.pixels.push_back(static_cast<std::uint8_t>(value));
  write_png(folder.path / "picture.png", image);
  std::vector<float> pixels(image.pixels.begin(), image.pixels.end());
  Random unused(0);
  Standardise{}(pixels, shape, unused);
  const std::vector<float> logits =
      narrow ? Predictor<Net, shape, BFloat16>(weights)(pixels) : Predictor<Net, shape>(weights)(pixels);
  std::string letters;
  double sure = 1;
  for (const std::size_t first : {0u, 3u}) {
    const auto p = softmax(std::span(logits).subspan(first, 3));
    const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    letters += classes[best];
    sure *= static_cast<double>(p[best]);
  }
  char expected[32];
  std::snprintf(expected, sizeof expected, ": %s %.4f\n", letters.c_str(), sure);

  const std::string at = "cd '" + folder.path.string() + "' && ", log = " > log 2>&1";
  // Two units include the header: there is one copy of the weights.
  std::ofstream(folder.path / "other.cpp") << "#include <weights.hpp>\n"
                                              "int other() { return weights::load().values().empty(); }\n";
  const std::string compile =
      CAPTCHA_CXX " -std=c++20 -O0 " CAPTCHA_CXX_INCLUDES " -I build " CAPTCHA_EXAMPLES
                  "/one_file/main.cpp other.cpp -o one -lz -pthread";
  const int compiled = std::system((at + compile + log).c_str());
  INFO(text_of(folder.path / "log"));
  REQUIRE(compiled == 0);
  const auto packed = fs::file_size(folder.path / "build/weights.hpp.bin");
  fs::remove_all(folder.path / "build");
  REQUIRE(std::system((at + "./one picture.png" + log).c_str()) == 0);
  CHECK(text_of(folder.path / "log") == std::string("picture.png") + expected);
  const std::string program = text_of(folder.path / "one");
  CHECK(program.size() > packed);
  const std::string mark = "\"captcha.fingerprint\":\"";
  const std::size_t first = program.find(mark);
  REQUIRE(first != std::string::npos);
  CHECK(program.find(mark, first + 1) == std::string::npos);

  // A program whose weights were damaged says so.
  std::string damaged = program;
  damaged[first + packed / 2] = static_cast<char>(damaged[first + packed / 2] ^ 1);
  std::ofstream(folder.path / "damaged", std::ios::binary) << damaged;
  fs::permissions(folder.path / "damaged", fs::perms::owner_all);
  CHECK(std::system((at + "./damaged picture.png" + log).c_str()) != 0);
  CHECK_THAT(text_of(folder.path / "log"), Catch::StartsWith("weights: ") && Catch::Contains("damaged"));
}

TEST_CASE("a header is refused where its name is no name for C++, before anything is written") {
  const TemporaryFolder folder;
  for (const char* name : {"1st.hpp", "my-weights.hpp", ".hpp", "captcha.hpp", "std.h", "class.hpp",
                           "int.hpp", "__x.hpp", "_X.hpp", "a__b.hpp", "xor_eq.h"}) {
    CHECK_THROWS_WITH(
        save_embedded<shape>(folder.path / name, Weights<Net>(1), {"resnet18", {}, "none"}, spelled),
        Catch::Contains("cannot be the name of a namespace"));
  }
  CHECK(fs::is_empty(folder.path));
}
