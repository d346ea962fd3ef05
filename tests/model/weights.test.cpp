// Weights: initialisation, lookup, the two axis orders, value semantics.
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

using namespace captcha;

namespace {

using Conv235 = Conv2d<3, 2, Conv{.kernel = {4, 5}}>;
using Net = Sequential<Conv2d<32, 64>, BatchNorm2d<64>, ReLU, Conv2d<64, 16>, Linear<400, 100>>;

double variance(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return squares / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("weights start from the distributions that their layers describe") {
  const Weights<Net> weights(7);
  const auto of = [&](const char* name) { return weights.values(weights.slot(name)); };
  CHECK(variance(of("0.weight")) ==
        Approx(2.0 / (64 * 9)).epsilon(0.05));  // fan out, as torchvision's ResNets
  CHECK(variance(of("3.weight")) == Approx(2.0 / (16 * 9)).epsilon(0.05));
  CHECK(variance(of("4.weight")) == Approx(1.0 / (3 * 400)).epsilon(0.05));
  const auto largest = [](std::span<const float> values) {
    float most = 0;
    for (const float value : values) most = std::max(most, std::abs(value));
    return most;
  };
  CHECK(largest(of("4.weight")) <= 0.05f);
  CHECK(largest(of("4.weight")) > 0.0499f);
  CHECK(largest(of("4.bias")) <= 0.05f);
  CHECK(largest(of("0.bias")) <= 1 / std::sqrt(32.0f * 9));
  const auto all_are = [](std::span<const float> values, float wanted) {
    return std::ranges::all_of(values, [wanted](float value) { return value == wanted; });
  };
  CHECK(all_are(of("1.weight"), 1));
  CHECK(all_are(of("1.bias"), 0));
  CHECK(all_are(of("1.running_mean"), 0));
  CHECK(all_are(of("1.running_var"), 1));
  CHECK(all_are(Weights<Net>::zeros().parameters(), 0));
  CHECK(all_are(Weights<Net>::zeros().buffers(), 0));
}

TEST_CASE("a seed repeats, another seed differs, and slots do not share numbers") {
  const Weights<Net> a(1), again(1), b(2);
  CHECK(std::ranges::equal(a.parameters(), again.parameters()));
  CHECK_FALSE(std::ranges::equal(a.parameters(), b.parameters()));
  std::set<float> starts;
  for (const char* name : {"0.weight", "0.bias", "3.weight", "3.bias", "4.weight", "4.bias"})
    starts.insert(a.values(a.slot(name))[0] /
                  static_cast<float>(std::sqrt(variance(a.values(a.slot(name))))));
  CHECK(starts.size() == 6);
}

TEST_CASE("changing the last layer does not change how the others start") {
  using Other = Sequential<Conv2d<32, 64>, BatchNorm2d<64>, ReLU, Conv2d<64, 16>, Linear<400, 7>>;
  const Weights<Net> one(3);
  const Weights<Other> other(3);
  for (const char* name : {"0.weight", "0.bias", "3.weight", "3.bias"})
    CHECK(std::ranges::equal(one.values(one.slot(name)), other.values(other.slot(name))));
}

TEST_CASE("a convolution's weights lie as its kernel wants them and are shown in PyTorch's order") {
  auto weights = Weights<Conv235, double>::zeros();
  const PlacedSlot& slot = weights.slot("weight");
  std::vector<double> torch(2 * 3 * 4 * 5);
  std::iota(torch.begin(), torch.end(), 0.0);
  weights.set(slot, std::span<const double>(torch));
  CHECK(weights.get(slot) == torch);
  for (std::size_t o = 0; o < 2; ++o)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t s = 0; s < 5; ++s)
          CHECK(weights.values(slot)[((r * 5 + s) * 3 + c) * 2 + o] == torch[((o * 3 + c) * 4 + r) * 5 + s]);
}

TEST_CASE("every slot of every layer survives set and get, in another type too") {
  auto weights = Weights<Net, double>(1);
  for (const PlacedSlot& placed : weights.slots()) {
    const auto values = random_values<float>(placed.slot.size(), 1);
    weights.set(placed, std::span<const float>(values));
    const auto back = weights.get(placed);
    CHECK(std::ranges::equal(back, values, [](double a, float b) { return a == static_cast<double>(b); }));
  }
}

TEST_CASE("slots lie side by side and fill the memory") {
  const Weights<Net> weights(1);
  std::size_t parameters = 0, buffers = 0;
  for (const PlacedSlot& placed : weights.slots()) {
    std::size_t& used = placed.is_buffer ? buffers : parameters;
    CHECK(placed.offset == used);
    used += placed.slot.size();
  }
  CHECK(parameters == weights.parameters().size());
  CHECK(parameters == parameter_count<Net>);
  CHECK(buffers == weights.buffers().size());
}

TEST_CASE("a wrong name or a wrong number of values is an error that says so") {
  Weights<Net> weights(1);
  CHECK_THROWS_WITH(weights.slot("fc.weight"),
                    Catch::Contains("'fc.weight'") && Catch::Contains("'0.weight'"));
  const std::vector<float> few(5);
  CHECK_THROWS_WITH(weights.set(weights.slot("1.bias"), std::span<const float>(few)),
                    Catch::Contains("'1.bias' holds 64 values, got 5"));
  CHECK_THROWS_AS(Weights<ReLU>::slot("weight"), Error);
}

TEST_CASE("weights are values: a copy is another network") {
  Weights<Net> a(1);
  Weights<Net> b = a;
  b.parameters()[0] += 1;
  CHECK(a.parameters()[0] != b.parameters()[0]);
  CHECK(a.parameters()[1] == b.parameters()[1]);
}
