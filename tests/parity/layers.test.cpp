// Every layer but the convolution with its options, forward and backward, against PyTorch's values.
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>

#include "parity.hpp"

using namespace captcha;
using parity::check_layer;
using parity::Reference;

TEST_CASE("batch norms equal PyTorch's") {
  const Reference file("layers");
  check_layer<BatchNorm2d<4>, chw(4, 5, 3)>(file, "norm");
  check_layer<BatchNorm2d<3, Norm{.eps = 0.01f, .momentum = 0.3f}>, chw(3, 2, 7)>(file, "norm.options");
  check_layer<BatchNorm2d<5, Norm{.momentum = 1}>, chw(5, 1, 1)>(file, "norm.one.pixel");
  check_layer<BatchNorm2d<3, Norm{.momentum = 0}>, chw(3, 4, 4)>(file, "norm.still");
  check_layer<BatchNorm2d<2>, chw(2, 6, 6)>(file, "norm.far");
  check_layer<BatchNorm2d<4, Norm{.eps = 0.001f}>, chw(4, 3, 5)>(file, "norm.frozen", parity::Mode::frozen);
}

TEST_CASE("linear layers equal PyTorch's") {
  const Reference file("layers");
  check_layer<Linear<7, 4>, flat(7)>(file, "linear");
  check_layer<Linear<3, 5, false>, flat(3)>(file, "linear.plain");
  check_layer<Linear<131, 3>, flat(131)>(file, "linear.wide");
  check_layer<Linear<3, 131>, flat(3)>(file, "linear.many");
}

TEST_CASE("activations and poolings equal PyTorch's") {
  const Reference file("layers");
  check_layer<ReLU, chw(2, 7, 6)>(file, "relu");
  check_layer<ReLU, flat(9)>(file, "relu.flat");
  check_layer<MaxPool2d<>, chw(3, 6, 7)>(file, "max");
  check_layer<MaxPool2d<Pool{.kernel = 3, .padding = 1}>, chw(2, 7, 6)>(file, "max.stem");
  check_layer<MaxPool2d<Pool{.kernel = {2, 3}, .stride = {1, 2}, .padding = {1, 0}}>, chw(2, 4, 9)>(
      file, "max.oblong");
  check_layer<GlobalAvgPool2d, chw(4, 3, 5)>(file, "global");
  check_layer<Flatten, chw(3, 4, 2)>(file, "flatten");
}

TEST_CASE("average poolings equal PyTorch's") {
  const Reference file("layers");
  constexpr Pool padded{.kernel = 3, .padding = 1}, inside{.kernel = 3, .padding = 1, .count_padding = false};
  constexpr Pool oblong{.kernel = {4, 2}, .stride = {3, 1}, .padding = {2, 1}};
  constexpr Pool oblong_inside{.kernel = {4, 2}, .stride = {3, 1}, .padding = {2, 1}, .count_padding = false};
  check_layer<AvgPool2d<>, chw(3, 6, 7)>(file, "average");
  check_layer<AvgPool2d<padded>, chw(2, 6, 7)>(file, "average.padded");
  check_layer<AvgPool2d<inside>, chw(2, 6, 7)>(file, "average.inside");
  check_layer<AvgPool2d<oblong>, chw(2, 5, 4)>(file, "average.oblong");
  check_layer<AvgPool2d<oblong_inside>, chw(2, 5, 4)>(file, "average.oblong.inside");
}

TEST_CASE("dropout in prediction equals PyTorch's") {
  const Reference file("layers");
  parity::SpecimenOf<Dropout<Drop{.probability = 0.4f}>, chw(3, 4, 2)> dropout(3);
  const std::vector<float> x = file.values("dropout/x");
  CHECK(dropout.infer(parity::part(x, 0, 2)) == file.values("dropout/eval"));
}
