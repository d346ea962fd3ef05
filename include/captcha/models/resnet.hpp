// The ResNet family (He et al. 2015, arXiv:1512.03385), spelled once: a block, four depths, a stem, a
// classifier. Parameters are named as torchvision names them: conv1.weight,
// layer2.0.downsample.1.running_var, fc.bias.
#pragma once

#include <captcha/compose/chain.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace captcha {

/// A 3 x 3 convolution that keeps the size (stride 1), without bias: a batch norm follows.
template <int In, int Out, int Stride = 1>
using Conv3x3 = Conv2d<In, Out, Conv{.kernel = 3, .stride = Stride, .padding = 1, .bias = false}>;
/// A 1 x 1 convolution without bias.
template <int In, int Out, int Stride = 1>
using Conv1x1 = Conv2d<In, Out, Conv{.kernel = 1, .stride = Stride, .bias = false}>;

/// The way around a block: nothing where the shape stays, a 1 x 1 convolution and a batch norm where it
/// changes.
template <int In, int Out, int Stride>
using ProjectionShortcut =
    std::conditional_t<In == Out && Stride == 1, Identity,
                       Named<"downsample", Sequential<Conv1x1<In, Out, Stride>, BatchNorm2d<Out>>>>;

/// Two 3 x 3 convolutions around which the input is added: the block of ResNet-18 and -34.
template <int In, int Width, int Stride>
struct BasicBlock
    : Chain<Residual<Chain<Named<"conv1", Conv3x3<In, Width, Stride>>, Named<"bn1", BatchNorm2d<Width>>, ReLU,
                           Named<"conv2", Conv3x3<Width, Width>>, Named<"bn2", BatchNorm2d<Width>>>,
                     ProjectionShortcut<In, Width, Stride>>,
            ReLU> {
  static constexpr int expansion = 1;
};

/// 1 x 1, 3 x 3, 1 x 1 with four times the channels at the end: the block of ResNet-50 and deeper. The stride
/// is on the 3 x 3, as in torchvision ("V1.5").
template <int In, int Width, int Stride>
struct Bottleneck
    : Chain<Residual<
                Chain<Named<"conv1", Conv1x1<In, Width>>, Named<"bn1", BatchNorm2d<Width>>, ReLU,
                      Named<"conv2", Conv3x3<Width, Width, Stride>>, Named<"bn2", BatchNorm2d<Width>>, ReLU,
                      Named<"conv3", Conv1x1<Width, 4 * Width>>, Named<"bn3", BatchNorm2d<4 * Width>>>,
                ProjectionShortcut<In, 4 * Width, Stride>>,
            ReLU> {
  static constexpr int expansion = 4;
};

/// How a ResNet begins: `imagenet` is a 7 x 7 convolution of stride 2 and a max-pooling, `small` a 3 x 3
/// convolution of stride 1 that keeps the size, for images of some tens of pixels.
enum class Stem { imagenet, small };

/// What tells one ResNet from another, apart from its block.
struct ResNetOptions {
  std::array<int, 4> depths{2, 2, 2, 2};  ///< blocks in each stage
  int classes = 1000;
  int channels = 3;  ///< of the input image
  Stem stem = Stem::imagenet;
  int width = 64;  ///< channels of the first stage; each further stage has twice as many
};

template <int Channels, int Width, Stem Kind>
using ResNetStem = std::conditional_t<
    Kind == Stem::imagenet,
    Chain<
        Named<"conv1", Conv2d<Channels, Width, Conv{.kernel = 7, .stride = 2, .padding = 3, .bias = false}>>,
        Named<"bn1", BatchNorm2d<Width>>, ReLU, MaxPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1}>>,
    Chain<Named<"conv1", Conv3x3<Channels, Width>>, Named<"bn1", BatchNorm2d<Width>>, ReLU>>;

/// One stage: Depth blocks of the same width, the first of which takes In channels and has the stride.
template <template <int, int, int> class Block, int In, int Width, int Stride, int Depth>
using ResNetStage =
    Repeat<static_cast<std::size_t>(Depth), Block<Width * Block<In, Width, Stride>::expansion, Width, 1>,
           Block<In, Width, Stride>>;

/// A ResNet of any block, depths, width, input and class count; it takes images of any size that survives
/// five halvings (one less per stem and stage with stride 1).
template <template <int, int, int> class Block, ResNetOptions Options>
struct ResNet {
  static constexpr int width = Options.width;
  static constexpr int expansion = Block<width, width, 1>::expansion;
  static constexpr auto depths = Options.depths;

  /// The stem and the four stages, and behind them any layers that take the last stage's image.
  template <class... Head>
  using ending_in =
      Chain<ResNetStem<Options.channels, width, Options.stem>,
            Named<"layer1", ResNetStage<Block, width, width, 1, depths[0]>>,
            Named<"layer2", ResNetStage<Block, width * expansion, 2 * width, 2, depths[1]>>,
            Named<"layer3", ResNetStage<Block, 2 * width * expansion, 4 * width, 2, depths[2]>>,
            Named<"layer4", ResNetStage<Block, 4 * width * expansion, 8 * width, 2, depths[3]>>, Head...>;

  using type = ending_in<GlobalAvgPool2d, Named<"fc", Linear<8 * width * expansion, Options.classes>>>;
};

/// ResNet18<20, 1>: 20 classes, 1 channel.
template <int Classes = 1000, int Channels = 3, Stem Kind = Stem::imagenet, int Width = 64>
struct ResNet18 : ResNet<BasicBlock, ResNetOptions{{2, 2, 2, 2}, Classes, Channels, Kind, Width}>::type {};

template <int Classes = 1000, int Channels = 3, Stem Kind = Stem::imagenet, int Width = 64>
struct ResNet34 : ResNet<BasicBlock, ResNetOptions{{3, 4, 6, 3}, Classes, Channels, Kind, Width}>::type {};

template <int Classes = 1000, int Channels = 3, Stem Kind = Stem::imagenet, int Width = 64>
struct ResNet50 : ResNet<Bottleneck, ResNetOptions{{3, 4, 6, 3}, Classes, Channels, Kind, Width}>::type {};

}  // namespace captcha
