// Fusion: the rules are found, keep names, and change no result.
#include <captcha/compose/chain.hpp>
#include <captcha/compose/fusion.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/tape.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using namespace captcha;

namespace {

using Norm3 = BatchNorm2d<3>;
using NormReLU3 = BatchNorm2d<3, Norm{}, true>;
using Same = Conv2d<3, 3, Conv{.padding = 1}>;

template <class... Layers>
using Fused = typename FuseAll<Layers...>::type;

template <class L>
std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const PlacedSlot& placed : slots_of<L>()) all.push_back(placed.name);
  return all;
}

/// Everything a prediction and a training step give.
template <class L, Shape S>
std::vector<double> results(bool frozen) {
  constexpr int samples = 4;
  auto weights = varied_weights<L>();
  auto gradients = Weights<L, double>::zeros();
  const auto x = random_values<double>(S.size() * samples, 1);
  Workers workers;
  std::vector<double> all;
  const auto take = [&all](std::span<const double> values) {
    all.insert(all.end(), values.begin(), values.end());
  };
  Inference<L, S, double> infer(samples);
  take(infer(pack<S>(weights), x.data(), samples, workers));
  Tape<L, S, double> tape(samples);
  std::ranges::fill(tape.frozen(), frozen);
  take(tape.forward(weights, x.data(), samples, {}, workers));
  std::ranges::copy(random_values<double>(L::out(S).size() * samples, 2),
                    tape.output_gradient(samples).begin());
  std::vector<double> dx(x.size());
  tape.backward(weights, gradients, x.data(), samples, {}, workers, dx.data());
  take(dx);
  take(gradients.parameters());
  take(weights.buffers());
  return all;
}

/// Both networks give the same, to rounding.
template <class A, class B, Shape S>
void expect_equal() {
  CHECK(names<A>() == names<B>());
  for (const bool frozen : {false, true}) {
    const auto a = results<A, S>(frozen), b = results<B, S>(frozen);
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
    CHECK(worst < 1e-12);
  }
}

}  // namespace

TEST_CASE("rules are found between neighbours, named or not, and nowhere else") {
  STATIC_REQUIRE(std::same_as<Fused<Norm3, ReLU>, LayerList<NormReLU3>>);
  STATIC_REQUIRE(std::same_as<Fused<Same, Norm3, ReLU, Same>, LayerList<Scaled<Same, NormReLU3>, Same>>);
  STATIC_REQUIRE(std::same_as<Fused<Named<"a", Same>, Named<"b", Norm3>, ReLU>,
                              LayerList<Scaled<Named<"a", Same>, Named<"b", NormReLU3>>>>);
  STATIC_REQUIRE(std::same_as<Fused<Residual<Same>, ReLU>, LayerList<Residual<Same, Identity, true>>>);
  STATIC_REQUIRE(std::same_as<Fused<Named<"bn", Norm3>, ReLU>, LayerList<Named<"bn", NormReLU3>>>);
  STATIC_REQUIRE(std::same_as<Fused<Named<"0", Norm3>, Named<"1", ReLU>>, LayerList<Named<"0", NormReLU3>>>);
  STATIC_REQUIRE(std::same_as<Fused<Norm3, Identity, ReLU>, LayerList<Norm3, Identity, ReLU>>);
  STATIC_REQUIRE(std::same_as<Fused<ReLU, Norm3>, LayerList<ReLU, Norm3>>);
  STATIC_REQUIRE(std::same_as<Fused<Norm3, ReLU, ReLU>, LayerList<NormReLU3, ReLU>>);
  STATIC_REQUIRE_FALSE(Fusable<NormReLU3, ReLU>);
}

TEST_CASE("a fused batch norm and ReLU give what they give apart") {
  constexpr Shape shape = chw(3, 5, 4);
  expect_equal<Chain<Norm3, ReLU>, Chain<Norm3, Identity, ReLU>, shape>();
  expect_equal<Chain<Same, Norm3, ReLU, Same>, Chain<Same, Norm3, Identity, ReLU, Same>, shape>();
  expect_equal<Chain<Named<"a", Same>, Named<"b", Norm3>, Named<"c", ReLU>, Named<"d", Norm3>>,
               Chain<Named<"a", Same>, Named<"b", Norm3>, Identity, ReLU, Named<"d", Norm3>>, shape>();
}

TEST_CASE("a convolution that took a batch norm into its weights gives what they give apart") {
  constexpr Shape shape = chw(3, 5, 4);
  using Biased = Conv2d<3, 6, Conv{.stride = 2, .padding = 1, .groups = 3}>;
  using Norm6 = BatchNorm2d<6>;
  expect_equal<Chain<Same, Norm3>, Chain<Same, Identity, Norm3>, shape>();
  expect_equal<Chain<Biased, Norm6, ReLU>, Chain<Biased, Identity, Norm6, Identity, ReLU>, shape>();
}

TEST_CASE("a sum with what stands in front and behind it gives what they give apart") {
  constexpr Shape shape = chw(3, 5, 4);
  using Body = Chain<Same, Norm3, ReLU, Same, Norm3>;
  using Apart = Chain<Same, Identity, Norm3, Identity, ReLU, Identity, Same, Identity, Norm3, Identity>;
  expect_equal<Chain<Residual<Body>, ReLU>, Chain<Residual<Apart>, Identity, ReLU>, shape>();
  expect_equal<Chain<Residual<Body, Chain<Same, Norm3>>, ReLU>,
               Chain<Residual<Apart, Chain<Same, Identity, Norm3>>, Identity, ReLU>, shape>();
  expect_equal<Chain<Residual<Chain<Same, Norm3, ReLU>>, ReLU>,  // adds after its own ReLU
               Chain<Residual<Chain<Same, Identity, Norm3, Identity, ReLU>>, Identity, ReLU>, shape>();
}

TEST_CASE("fused chains have right gradients and keep the contract") {
  expect_right<Chain<Norm3, ReLU>, chw(3, 5, 4)>();
  expect_right<Chain<Same, Norm3, ReLU, Same, Norm3, ReLU>, chw(3, 5, 4)>();
  expect_right<Sequential<Same, Norm3, ReLU>, chw(3, 1, 1)>({.samples = 5});
  expect_right<Chain<Residual<Chain<Same, Norm3>>, ReLU>, chw(3, 5, 4)>();
  expect_right<Chain<Residual<Same, Chain<Same, Norm3>>, ReLU>, chw(3, 5, 4)>();
}
