// What the compiler knows of the ResNets: parameters, output shapes, multiply-adds. Compiled, never run.
#include <captcha/models/resnet.hpp>

using namespace captcha;

static_assert(Layer<ResNet18<>>);

// Parameters, as torchvision counts them.
static_assert(parameter_count<ResNet18<>> == 11'689'512);
static_assert(parameter_count<ResNet18<20, 1>> == 11'180'500);
static_assert(parameter_count<ResNet34<>> == 21'797'672);
static_assert(parameter_count<ResNet50<>> == 25'557'032);
static_assert(slot_count<ResNet18<>>.buffers == 9'600);
static_assert(slot_count<ResNet18<>>.parameter_slots == 62);
static_assert(slot_count<ResNet50<>>.parameter_slots == 161);

// Shapes: one architecture, images of any size, either stem.
static_assert(ResNet18<>::out(chw(3, 224, 224)) == flat(1000));
static_assert(ResNet18<20, 1>::out(chw(1, 52, 32)) == flat(20));
static_assert(ResNet18<20, 1>::out(chw(1, 1, 1)) == flat(20));
static_assert(ResNet34<10, 3, Stem::small>::out(chw(3, 32, 32)) == flat(10));
static_assert(ResNet50<7>::out(chw(3, 97, 61)) == flat(7));
static_assert(check_shapes<ResNet18<20, 1>, chw(1, 52, 32)>());
static_assert(check_shapes<ResNet50<>, chw(3, 224, 224)>());
static_assert(ResNet18<20, 1>::wants(chw(3, 52, 32)) == chw(1, 52, 32));

// The maps of ResNet-18 on 52 x 32 images, stage by stage.
static_assert(ResNetStem<1, 64, Stem::imagenet>::out(chw(1, 52, 32)) == chw(64, 13, 8));
static_assert(ResNetStem<1, 64, Stem::small>::out(chw(1, 52, 32)) == chw(64, 52, 32));
static_assert(ResNetStage<BasicBlock, 64, 64, 1, 2>::out(chw(64, 13, 8)) == chw(64, 13, 8));
static_assert(ResNetStage<BasicBlock, 64, 128, 2, 2>::out(chw(64, 13, 8)) == chw(128, 7, 4));
static_assert(ResNetStage<BasicBlock, 128, 256, 2, 2>::out(chw(128, 7, 4)) == chw(256, 4, 2));
static_assert(ResNetStage<BasicBlock, 256, 512, 2, 2>::out(chw(256, 4, 2)) == chw(512, 2, 1));
static_assert(ResNetStage<Bottleneck, 64, 64, 1, 3>::out(chw(64, 56, 56)) == chw(256, 56, 56));

// Multiply-adds of one prediction. Layer by layer for 1 x 52 x 32, 20 classes: stem 64 * 49 * 26 * 16; then
// per stage, with P pixels a map, C channels: 4 convolutions of 9 C C P in the first; in the others the first
// convolution and the 1 x 1 shortcut read C / 2 channels.
constexpr std::size_t stage(std::size_t channels, std::size_t pixels) {
  return channels * channels * pixels * (9 + 2 * 3 * 9 + 1) / 2;
}
static_assert(64 * 49 * 26 * 16 + 4 * 9 * 64 * 64 * 13 * 8 + stage(128, 7 * 4) + stage(256, 4 * 2) +
                  stage(512, 2 * 1) + 512 * 20 ==
              64'884'736);
static_assert(ResNet18<20, 1>::multiply_adds(chw(1, 52, 32)) == 64'884'736);
static_assert(ResNet18<>::multiply_adds(chw(3, 224, 224)) ==
              1'814'073'344);  // "1.8 billion" in He et al. 2015
