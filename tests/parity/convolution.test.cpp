// Convolutions with all their options, forward and backward, against PyTorch's values.
#include <captcha/layers/conv2d.hpp>

#include "parity.hpp"

using namespace captcha;
using parity::check_layer;
using parity::Reference;

TEST_CASE("convolutions equal PyTorch's") {
  const Reference file("layers");
  check_layer<Conv2d<2, 3>, chw(2, 6, 5)>(file, "conv");
  check_layer<Conv2d<3, 4, Conv{.padding = 1, .bias = false}>, chw(3, 5, 7)>(file, "conv.same");
  check_layer<Conv2d<4, 6, Conv{.kernel = 1, .bias = false}>, chw(4, 3, 5)>(file, "conv.1x1");
  check_layer<Conv2d<5, 3, Conv{.kernel = 1, .stride = 2}>, chw(5, 7, 6)>(file, "conv.1x1.stride");
  check_layer<Conv2d<70, 66, Conv{.kernel = 1}>, chw(70, 2, 3)>(file, "conv.wide");
  check_layer<Conv2d<3, 5, Conv{.kernel = 7, .stride = 2, .padding = 3, .bias = false}>, chw(3, 13, 10)>(
      file, "conv.stem");
  check_layer<Conv2d<2, 4, Conv{.kernel = {2, 5}, .stride = {3, 1}, .padding = {0, 2}}>, chw(2, 8, 6)>(
      file, "conv.oblong");
  check_layer<Conv2d<2, 3, Conv{.kernel = {5, 1}, .stride = {1, 2}, .padding = {3, 0}}>, chw(2, 4, 9)>(
      file, "conv.tall");
  check_layer<Conv2d<2, 3, Conv{.kernel = 2, .stride = 4}>, chw(2, 11, 9)>(file, "conv.sparse");
}

TEST_CASE("convolutions with dilation or groups equal PyTorch's") {
  const Reference file("layers");
  check_layer<Conv2d<3, 4, Conv{.padding = 2, .dilation = 2}>, chw(3, 7, 6)>(file, "conv.dilated");
  check_layer<Conv2d<2, 3, Conv{.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 2}, .dilation = {3, 2}}>,
              chw(2, 9, 8)>(file, "conv.uneven");
  check_layer<Conv2d<6, 4, Conv{.padding = 1, .groups = 2}>, chw(6, 5, 4)>(file, "conv.groups");
  check_layer<Conv2d<5, 10, Conv{.stride = 2, .padding = 1, .groups = 5, .bias = false}>, chw(5, 6, 7)>(
      file, "conv.depthwise");
  check_layer<Conv2d<4, 4, Conv{.stride = 2, .padding = 4, .dilation = 3, .groups = 2}>, chw(4, 5, 8)>(
      file, "conv.grouped.dilated");
}

TEST_CASE("convolutions of images smaller than the kernel equal PyTorch's") {
  const Reference file("layers");
  check_layer<Conv2d<2, 3, Conv{.kernel = 5, .padding = 2}>, chw(2, 3, 2)>(file, "conv.small.image");
  check_layer<Conv2d<2, 3, Conv{.stride = 2, .padding = 1}>, chw(2, 1, 1)>(file, "conv.one.pixel");
  check_layer<Conv2d<2, 2, Conv{.kernel = 2, .stride = 2, .padding = 3}>, chw(2, 2, 3)>(
      file, "conv.padding.beyond");
}
