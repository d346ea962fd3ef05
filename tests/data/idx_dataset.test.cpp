// Data sets of idx files.
#include <captcha/data/idx_dataset.hpp>
#include <captcha/data/pad.hpp>
#include <captcha/data/split.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

using namespace captcha;

namespace {

struct Folder : TemporaryFolder {
  std::filesystem::path write(const std::string& name, std::vector<int> extents,
                              std::vector<int> values) const {
    std::ofstream out(path / name, std::ios::binary);
    const auto byte = [&](int value) { out.put(static_cast<char>(value)); };
    for (const int value : {0, 0, 8, static_cast<int>(extents.size())}) byte(value);
    for (const int extent : extents)
      for (const int shift : {24, 16, 8, 0}) byte((extent >> shift) & 255);
    for (const int value : values) byte(value);
    return path / name;
  }
};

std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

}  // namespace

TEST_CASE("images and labels of idx files") {
  const Folder folder;
  std::vector<int> values(3 * 2 * 4);
  std::iota(values.begin(), values.end(), 100);
  const auto images = folder.write("images", {3, 2, 4}, values);
  const auto labels = folder.write("labels", {3}, {1, 0, 2});
  const IdxDataset<chw(1, 2, 4)> data(images, labels);
  static_assert(Dataset<IdxDataset<>> && HasTarget<IdxDataset<>> && HasClasses<IdxDataset<>>);
  REQUIRE(data.size() == 3);
  std::vector<float> pixels(8);
  CHECK(data.get(1, pixels) == 0);
  for (std::size_t i = 0; i < 8; ++i) CHECK(pixels[i] == Approx((108.0 + static_cast<double>(i)) / 255.0));
  CHECK(data.classes() == std::vector<std::string>{"0", "1", "2"});

  using Catch::Matchers::Contains;
  CHECK_THROWS_WITH((IdxDataset<chw(1, 4, 2)>(images, labels)),
                    Contains("3 x 2 x 4") && Contains("N x 4 x 2"));
  CHECK_THROWS_WITH((IdxDataset<chw(1, 2, 4)>(images, images)), Contains("labels for 3 images"));
  const auto few = folder.write("few", {2}, {1, 0});
  CHECK_THROWS_WITH((IdxDataset<chw(1, 2, 4)>(images, few)), Contains("few: 2 labels for 3 images"));
  CHECK_THROWS_AS((IdxDataset<chw(1, 2, 4)>(images, folder.path / "missing")), Error);
}

TEST_CASE("MNIST") {
  const std::filesystem::path folder = shared_folder() / "data" / "mnist";
  if (!std::filesystem::exists(folder)) {
    WARN("no mnist (set CAPTCHA_SHARED): skipped");
    return;
  }
  const IdxDataset<> test(folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz");
  WARN("mnist: " << test.size() << " test images");
  CHECK(test.size() == 10000);
  CHECK(test.classes().size() == 10);
  double sum = 0.0;
  std::vector<float> pixels(784), framed(1024);
  const auto padded = pad<chw(1, 32, 32)>(test);
  for (std::size_t i = 0; i < 1000; ++i) {
    Random random(1);
    test.get(i, pixels);
    REQUIRE(padded.get(i, framed, random) == test.target(i));
    const double ink = std::accumulate(pixels.begin(), pixels.end(), 0.0);
    REQUIRE(std::accumulate(framed.begin(), framed.end(), 0.0) == Approx(ink));
    sum += ink / 784.0;
  }
  CHECK(sum / 1000.0 == Approx(0.1307).margin(0.01));  // MNIST's well-known mean
  const auto [large, rest] = split(test, {0.9, 0.1}, {.seed = 1});
  CHECK(std::abs(static_cast<double>(rest.size()) - 1000.0) <= 1.0);
}
