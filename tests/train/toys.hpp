// Small data sets and networks that the tests of training share.
#pragma once

#include <captcha/data.hpp>
#include <captcha/layers.hpp>
#include <captcha/models/resnet.hpp>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace toys {

/// `count` pictures of noise with labels that have nothing to do with them: they can only be learnt by heart.
struct RandomLabels {
  static constexpr captcha::Shape shape = captcha::chw(1, 16, 12);
  std::size_t count = 64;

  std::size_t size() const { return count; }
  int get(std::size_t index, std::span<float> pixels) const {
    captcha::Random random(5, captcha::Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = random.normal();
    return static_cast<int>(random.below(4));
  }
};

/// Pictures whose upper or lower half is brighter; some noise on top, drawn anew in every epoch.
struct Halves {
  static constexpr captcha::Shape shape = captcha::chw(1, 8, 8);
  std::size_t count = 40;

  std::size_t size() const { return count; }
  int get(std::size_t index, std::span<float> pixels, captcha::Random& random) const {
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = ((i < 32) == (index % 2 == 0) ? 1.0f : -1.0f) + 0.3f * random.normal();
    return static_cast<int>(index % 2);
  }
};

using Narrow = captcha::ResNet18<4, 1, captcha::Stem::small, 4>;
using Tiny = captcha::Chain<captcha::Named<"conv", captcha::Conv2d<1, 4, captcha::Conv{.padding = 1}>>,
                            captcha::Named<"bn", captcha::BatchNorm2d<4>>, captcha::ReLU,
                            captcha::GlobalAvgPool2d, captcha::Dropout<captcha::Drop{.probability = 0.1f}>,
                            captcha::Named<"fc", captcha::Linear<4, 2>>>;

/// A folder of its own that is removed at the end.
struct Folder {
  std::filesystem::path path;
  explicit Folder(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("captcha-test-" + name)) {
    std::filesystem::remove_all(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace toys
