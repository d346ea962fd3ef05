#include <captcha/compose/chain.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/optim/average.hpp>
#include <captcha/optim/descent.hpp>
#include <captcha/optim/sgd.hpp>

#include "catch.hpp"

#include <algorithm>

using namespace captcha;

namespace {

using Net = Chain<Named<"conv", Conv2d<1, 2>>, Named<"bn", BatchNorm2d<2>>, GlobalAvgPool2d,
                  Named<"fc", Linear<2, 2>>>;

/// Weights of ones, and what one step of SGD without gradient makes of them: weight decay alone.
Weights<Net> decayed(const std::vector<ParameterGroup>& groups, bool decay_all) {
  Weights<Net> weights(1), gradients = Weights<Net>::zeros();
  std::ranges::fill(weights.parameters(), 1.0f);
  Workers workers(1);
  Descent descent(SGD{.learning_rate = 0.5f, .weight_decay = 0.1f}, weights, groups, decay_all);
  descent.step(weights, gradients, 1, 1, workers);
  return weights;
}

float first_of(const Weights<Net>& weights, const char* name) {
  return weights.values(Weights<Net>::slot(name))[0];
}

}  // namespace

TEST_CASE("biases and norms are not decayed unless asked for") {
  const Weights<Net> usual = decayed({}, false);
  CHECK(first_of(usual, "conv.weight") == Approx(0.95f));
  CHECK(first_of(usual, "conv.bias") == 1.0f);
  CHECK(first_of(usual, "bn.weight") == 1.0f);
  CHECK(first_of(usual, "fc.bias") == 1.0f);
  const Weights<Net> all = decayed({}, true);
  CHECK(first_of(all, "conv.bias") == Approx(0.95f));
  CHECK(first_of(all, "bn.weight") == Approx(0.95f));
}

TEST_CASE("groups change rate and decay; the last one that matches decides") {
  const Weights<Net> w =
      decayed({{.prefix = "", .rate = 0.5f}, {.prefix = "fc", .rate = 2, .weight_decay = 0.2f}}, false);
  CHECK(first_of(w, "conv.weight") == Approx(1 - 0.5f * 0.5f * 0.1f));
  CHECK(first_of(w, "fc.weight") == Approx(1 - 2 * 0.5f * 0.2f));
  const Weights<Net> frozen = decayed({{.prefix = "conv", .frozen = true}}, true);
  CHECK(first_of(frozen, "conv.weight") == 1.0f);
  CHECK(first_of(frozen, "fc.weight") == Approx(0.95f));
}

TEST_CASE("a prefix covers whole segments of a name only") {
  CHECK(covers("layer1", "layer1.0.conv1.weight"));
  CHECK_FALSE(covers("layer1", "layer10.weight"));
  CHECK(covers("fc.weight", "fc.weight"));
  CHECK(covers("", "anything"));
}

TEST_CASE("the length of the gradient is over what is trained, and the same for any number of threads") {
  Weights<Net> gradients = Weights<Net>::zeros();
  std::ranges::fill(gradients.parameters(), 2.0f);
  Workers one(1), three(3);
  Descent all(AdamW{}, gradients);
  CHECK(all.gradient_norm(gradients, one) ==
        Approx(2 * std::sqrt(static_cast<double>(parameter_count<Net>))));
  CHECK(all.gradient_norm(gradients, one) == all.gradient_norm(gradients, three));
  Descent part(AdamW{}, gradients, {{.prefix = "conv", .frozen = true}});
  CHECK(part.gradient_norm(gradients, one) ==
        Approx(2 * std::sqrt(static_cast<double>(parameter_count<Net> - 20))));
}

TEST_CASE("the moving average follows parameters and buffers") {
  Weights<Net> average = Weights<Net>::zeros(), weights(1);
  std::ranges::fill(weights.parameters(), 4.0f);
  std::ranges::fill(weights.buffers(), 8.0f);
  Workers workers(2);
  move_average(average, weights, 0.75, workers);
  CHECK(average.parameters()[3] == 1.0f);
  CHECK(average.buffers()[0] == 2.0f);
}
