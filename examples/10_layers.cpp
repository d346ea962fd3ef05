// Every layer and composition once, as the pages of docs/layers show them.
#include <captcha/layers.hpp>
#include <captcha/model/summary.hpp>

#include <cstdio>

using namespace captcha;

// [conv2d]
using Stride2 = Conv2d<3, 64, Conv{.kernel = 7, .stride = 2, .padding = 3, .bias = false}>;
static_assert(Stride2::out(chw(3, 224, 224)) == chw(64, 112, 112));
static_assert(parameter_count<Stride2> == 64 * 3 * 7 * 7);

using Depthwise = Conv2d<32, 32, Conv{.kernel = {3, 5}, .padding = {1, 2}, .groups = 32}>;
static_assert(Depthwise::out(chw(32, 10, 10)) == chw(32, 10, 10));
static_assert(parameter_count<Depthwise> == 32 * 3 * 5 + 32);
// [conv2d]

// [batch_norm2d]
using Usual = BatchNorm2d<64>;
using Slow = BatchNorm2d<64, Norm{.eps = 1e-3f, .momentum = 0.01f}>;
static_assert(parameter_count<Usual> == 128 && slot_count<Usual>.buffers == 128);
static_assert(Slow::out(chw(64, 13, 8)) == chw(64, 13, 8));
// [batch_norm2d]

// [linear]
using Classifier = Linear<512, 20>;
static_assert(Classifier::out(flat(512)) == flat(20));
static_assert(parameter_count<Classifier> == 512 * 20 + 20);
static_assert(parameter_count<Linear<512, 20, false>> == 512 * 20);
// [linear]

// [relu]
static_assert(ReLU::out(chw(8, 4, 4)) == chw(8, 4, 4));
static_assert(ReLU::reads.output && !ReLU::reads.input);  // backward looks at the output alone
// [relu]

// [pool]
static_assert(MaxPool2d<>::out(chw(8, 12, 12)) == chw(8, 6, 6));
static_assert(MaxPool2d<Pool{.kernel = 3, .stride = 2, .padding = 1}>::out(chw(64, 26, 16)) ==
              chw(64, 13, 8));
static_assert(AvgPool2d<Pool{.kernel = 2, .stride = 1, .count_padding = false}>::out(chw(8, 5, 5)) ==
              chw(8, 4, 4));
static_assert(GlobalAvgPool2d::out(chw(512, 2, 1)) == flat(512));
// [pool]

// [dropout]
using Half = Dropout<>;
using Fifth = Dropout<Drop{.probability = 0.2f}>;
static_assert(Fifth::out(flat(64)) == flat(64) && Half::saved(flat(64)) == Footprint{});
// [dropout]

// [flatten]
static_assert(Flatten::out(chw(16, 5, 4)) == flat(320));
// [flatten]

// [identity]
static_assert(Identity::out(chw(3, 4, 5)) == chw(3, 4, 5));
// [identity]

// [chain]
using Block = Chain<Conv2d<1, 8, Conv{.bias = false}>, BatchNorm2d<8>, ReLU>;
static_assert(Block::out(chw(1, 12, 12)) == chw(8, 10, 10));
static_assert(Block::count == 1);  // the batch norm and the ReLU run with the convolution
// [chain]

// [sequential]
using Perceptron = Sequential<Linear<2, 16>, ReLU, Linear<16, 3>>;  // 0.weight, 0.bias, 2.weight, 2.bias
using Stack = Repeat<3, Linear<16, 16>>;                            // 0.weight … 2.bias
static_assert(parameter_count<Stack> == 3 * (16 * 16 + 16));
// [sequential]

// [named]
using Head = Named<"fc", Linear<512, 20>>;  // fc.weight, fc.bias
// [named]

// [residual]
using Plain = Residual<Sequential<Conv2d<8, 8, Conv{.padding = 1}>, ReLU>>;
using Projected =
    Residual<Conv2d<8, 16, Conv{.stride = 2, .padding = 1}>, Conv2d<8, 16, Conv{.kernel = 1, .stride = 2}>>;
static_assert(Plain::out(chw(8, 6, 6)) == chw(8, 6, 6));
static_assert(Projected::out(chw(8, 6, 6)) == chw(16, 3, 3));
// [residual]

int main() {
  using All =
      Chain<Block, Named<"body", Plain>, Projected, MaxPool2d<>, Flatten, Half, Named<"fc", Linear<64, 20>>>;
  std::printf("%s", model_summary<All, chw(1, 12, 12)>().c_str());
  for (const PlacedSlot& slot : slots_of<Perceptron>()) std::printf("%s\n", slot.name.c_str());
  for (const PlacedSlot& slot : slots_of<Head>()) std::printf("%s\n", slot.name.c_str());
}
