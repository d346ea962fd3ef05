// Every layer and composition is a Layer, and says so at compile time. Compiled, never run.
#include <captcha/compose/chain.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/models/mlp.hpp>

#include <type_traits>

using namespace captcha;

static_assert(Layer<Conv2d<3, 8>>);
static_assert(Layer<BatchNorm2d<8>>);
static_assert(Layer<BatchNorm2d<8, Norm{}, true>>);
static_assert(Layer<Linear<3, 8>>);
static_assert(Layer<ReLU>);
static_assert(Layer<MaxPool2d<>>);
static_assert(Layer<AvgPool2d<>>);
static_assert(Layer<GlobalAvgPool2d>);
static_assert(Layer<Dropout<>>);
static_assert(Layer<Flatten>);
static_assert(Layer<Identity>);
static_assert(Layer<Named<"a", ReLU>>);
static_assert(Layer<Chain<ReLU, Flatten>>);
static_assert(Layer<Sequential<ReLU, Flatten>>);
static_assert(Layer<Residual<ReLU>>);
static_assert(Layer<Repeat<2, ReLU>>);
static_assert(Layer<Mlp<2, 3>>);

// Layers hold nothing.
static_assert(std::is_empty_v<Conv2d<3, 8>> && std::is_empty_v<Chain<Conv2d<3, 8>, BatchNorm2d<8>, ReLU>> &&
              std::is_empty_v<Residual<Conv2d<3, 3, Conv{.padding = 1}>>>);

// Something else is not a Layer.
struct NoLayer {};
struct NoBackward : LayerDefaults {
  static constexpr Shape out(Shape in) { return in; }
  template <Shape S, class T>
  static void infer(const Infer<T>&) {}
};
static_assert(!Layer<int> && !Layer<NoLayer> && !Layer<NoBackward>);

// Shapes that no layer minds, and those that some do.
static_assert(Accepts<ReLU, flat(3)> && Accepts<ReLU, chw(1, 2, 3)> && Accepts<Flatten, chw(1, 2, 3)> &&
              Accepts<Identity, flat(1)> && Accepts<Dropout<>, flat(1)>);
static_assert(!Accepts<Linear<6, 2>, chw(1, 2, 3)> && Linear<6, 2>::wants(chw(1, 2, 3)) == flat(6));
static_assert(!Accepts<BatchNorm2d<3>, flat(3)> && !Accepts<GlobalAvgPool2d, flat(3)>);
static_assert(Flatten::out(chw(2, 3, 4)) == flat(24));
