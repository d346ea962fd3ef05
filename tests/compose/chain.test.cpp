// Chain: gradients and contract whatever its layers keep between them, planned memory, frozen fronts.
#include <captcha/compose/chain.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/tape.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <algorithm>
#include <span>
#include <vector>

using namespace captcha;

namespace {

using Same = Conv2d<2, 2, Conv{.padding = 1}>;
using Average = AvgPool2d<Pool{.kernel = 3, .stride = 1, .padding = 1}>;
using Largest = MaxPool2d<Pool{.kernel = 2, .stride = 1}>;

}  // namespace

TEST_CASE("chains have right gradients and keep the contract, whatever backward reads between the layers") {
  expect_right<Chain<Identity>, chw(2, 5, 4)>();
  expect_right<Chain<Same>, chw(2, 5, 4)>();
  // Nothing is kept: planes alternate, for odd and even numbers of them.
  expect_right<Chain<Average, Identity, Average, Flatten>, chw(2, 5, 4)>();
  expect_right<Chain<Identity, Average, Identity>, chw(2, 5, 4)>();
  // Kept as an output, as an input, as both, and at the ends.
  expect_right<Chain<Same, ReLU, Same, ReLU, Average, ReLU>, chw(2, 5, 4)>();
  expect_right<Chain<ReLU, Largest, Same, Largest>, chw(2, 5, 4)>();
  // Shapes that grow and shrink.
  expect_right<Chain<Conv2d<2, 7, Conv{.kernel = 1}>, Largest, Conv2d<7, 1, Conv{.kernel = 2}>, Flatten,
                     Linear<6, 9>, ReLU, Linear<9, 2>>,
               chw(2, 5, 4)>();
  expect_right<Chain<Same, Chain<ReLU, Chain<Average, Same>>, ReLU>, chw(2, 5, 4)>();
  expect_right<Chain<Dropout<>, Same, Dropout<Drop{.probability = 0.1f}>>, chw(2, 5, 4)>();
}

TEST_CASE("a chain keeps what backward reads and no more") {
  constexpr Shape shape = chw(2, 4, 4);
  // Between average pools nothing is kept; between a convolution and a ReLU behind it nothing either, for the
  // ReLU reads its output; in front of a convolution its input.
  STATIC_REQUIRE(Chain<Average, Average>::saved(shape).per_sample == 0);
  STATIC_REQUIRE(Chain<Same, ReLU>::saved(shape).per_sample == 0);
  STATIC_REQUIRE(Chain<ReLU, Same>::saved(shape).per_sample == shape.size());
  STATIC_REQUIRE(Chain<Average, Same, Average>::saved(shape).per_sample == shape.size());
  STATIC_REQUIRE(Chain<Same, Average>::reads.input);
  STATIC_REQUIRE_FALSE(Chain<Same, Average>::reads.output);
  STATIC_REQUIRE(Chain<Average, Largest>::reads.output);
  STATIC_REQUIRE_FALSE(Chain<Average, Largest>::reads.input);
}

TEST_CASE("a chain's shapes, parameters and multiply-adds are those of its layers") {
  using L = Chain<Conv2d<1, 4>, ReLU, MaxPool2d<>, Flatten, Linear<24, 5>>;
  STATIC_REQUIRE(L::out(chw(1, 8, 6)) == flat(5));
  STATIC_REQUIRE(L::wants(chw(1, 8, 6)) == chw(1, 8, 6));
  STATIC_REQUIRE(L::wants(chw(3, 8, 6)) == chw(1, 8, 6));
  STATIC_REQUIRE(parameter_count<L> == 4 * 9 + 4 + 24 * 5 + 5);
  STATIC_REQUIRE(slot_count<L>.parameter_slots == 4);
  STATIC_REQUIRE(L::multiply_adds(chw(1, 8, 6)) == 4 * 6 * 4 * 9 + 24 * 5);
}

TEST_CASE("a frozen front gets no gradient and changes nothing for what follows") {
  using L = Chain<Same, ReLU, Chain<Same, Average>, Flatten, Linear<40, 3>>;
  constexpr Shape shape = chw(2, 5, 4);
  constexpr int samples = 3;
  const auto x = random_values<float>(shape.size() * samples, 1);
  const auto dy = random_values<float>(3 * samples, 2);
  const auto gradients_with = [&](std::vector<bool> frozen, float* dx) {
    auto weights = varied_weights<L, float>();
    auto gradients = Weights<L, float>::zeros();
    Tape<L, shape> tape(samples);
    Workers workers;
    std::ranges::copy(frozen, tape.frozen().begin());
    tape.forward(weights, x.data(), samples, {}, workers);
    std::ranges::copy(dy, tape.output_gradient(samples).begin());
    tape.backward(weights, gradients, x.data(), samples, {}, workers, dx);
    return gradients;
  };
  std::vector<float> dx_all(x.size()), dx_frozen(x.size());
  const auto all = gradients_with({false, false, false, false, false, false}, dx_all.data());
  for (const std::size_t front : {2u, 4u, 6u}) {
    std::vector<bool> frozen(6);
    std::fill_n(frozen.begin(), front, true);
    const auto some = gradients_with(frozen, nullptr);
    std::size_t slot = 0;
    for (const PlacedSlot& placed : all.slots()) {
      const bool is_frozen = slot++ < front;
      const auto values = some.values(placed);
      INFO(placed.name << " behind " << front << " frozen slots");
      if (is_frozen)
        CHECK(std::ranges::all_of(values, [](float value) { return value == 0.0f; }));
      else
        CHECK(std::ranges::equal(values, all.values(placed)));
    }
    gradients_with(frozen, dx_frozen.data());
    CHECK(dx_frozen == dx_all);
  }
}
