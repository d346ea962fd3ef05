// Shapes, parameter counts and costs are values the compiler knows: what is wrong does not compile.
#include <captcha/resnet.hpp>

#include <cstdio>

// [shapes]
using namespace captcha;

using Net = ResNet18<20, 1>;  // 20 classes, 1 channel; an architecture, for any image size
constexpr Shape image = chw(1, 52, 32);

static_assert(parameter_count<Net> == 11'180'500);
static_assert(check_shapes<Net, image>());  // else the message names the layer that does not fit
static_assert(Net::out(image) == flat(20));
static_assert(Net::out(chw(1, 224, 224)) == flat(20));
static_assert(Net::wants(chw(3, 52, 32)) != chw(3, 52, 32));  // three channels are refused …
static_assert(multiply_adds<Net, image> == 64'884'736);
static_assert(receptive_field<Net>.rows == 435);
static_assert(training_values<Net, image>(64) * sizeof(float) < 90'000'000);  // … and so is too much memory
// [shapes]

// [compose]
// A network of one's own: layers one after the other, names as PyTorch would give them.
using Small = Chain<Named<"conv1", Conv2d<1, 8, Conv{.kernel = 5, .stride = 2}>>,  //
                    Named<"bn1", BatchNorm2d<8>>, ReLU,                            //
                    Residual<Sequential<Conv2d<8, 8, Conv{.padding = 1}>, ReLU>>,  //
                    GlobalAvgPool2d, Named<"fc", Linear<8, 20>>>;
static_assert(Small::out(image) == flat(20));
// [compose]

int main() {
  for (const PlacedSlot& slot : slots_of<Small>())
    std::printf("%-16s %zu values\n", slot.name.c_str(), slot.slot.size());
  std::printf("\n%s", model_summary<Small, image>().c_str());
}
