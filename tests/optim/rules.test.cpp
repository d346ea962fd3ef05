// The optimizers' rules against their formulas, written down for one parameter at a time, in double.
#include <captcha/optim/adam.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace captcha;

namespace {

/// One parameter with its moments.
struct Parameter {
  double weight, first, second;
};

// All of them are exact in float.
constexpr double rate = 0.125, decay = 0.25;

/// Five steps of a rule, on so many parameters that registers have a rest, and of formula(parameter,
/// gradient, step) give the same.
template <class Rule, class Formula>
void expect_formula(const Rule& rule, Formula&& formula) {
  constexpr std::size_t count = 37;
  auto weights = random_values<double>(count, 1);
  std::vector<double> first(count), second(count);
  std::vector<Parameter> expected(count);
  for (std::size_t i = 0; i < count; ++i) expected[i] = {weights[i], 0, 0};
  for (std::int64_t step = 1; step <= 5; ++step) {
    const auto gradient = random_values<double>(count, 1 + static_cast<std::uint64_t>(step));
    rule.update(Update<double>{weights, gradient.data(), first.data(), second.data(), rate,
                               static_cast<double>(rule.weight_decay), step});
    for (std::size_t i = 0; i < count; ++i) {
      formula(expected[i], gradient[i], static_cast<double>(step));
      CAPTURE(step, i);
      REQUIRE(weights[i] == Approx(expected[i].weight).epsilon(1e-12).margin(1e-12));
    }
  }
}

}  // namespace

TEST_CASE("SGD steps along its moment, or with Nesterov ahead of it") {
  for (const bool nesterov : {false, true})
    expect_formula(SGD{.momentum = 0.75f, .weight_decay = decay, .nesterov = nesterov},
                   [&](Parameter& p, double gradient, double) {
                     const double g = gradient + decay * p.weight;
                     p.first = 0.75 * p.first + g;
                     p.weight -= rate * (nesterov ? g + 0.75 * p.first : p.first);
                   });
}

TEST_CASE("Adam's decay is part of the gradient, AdamW's is apart from the moments") {
  constexpr double beta1 = 0.75, beta2 = 0.875, eps = 0.0625;
  const auto move = [&](Parameter& p, double g, double step) {
    p.first = beta1 * p.first + (1 - beta1) * g;
    p.second = beta2 * p.second + (1 - beta2) * g * g;
    const double first = p.first / (1 - std::pow(beta1, step));
    const double second = p.second / (1 - std::pow(beta2, step));
    p.weight -= rate * first / (std::sqrt(second) + eps);
  };
  expect_formula(Adam{.beta1 = beta1, .beta2 = beta2, .eps = eps, .weight_decay = decay},
                 [&](Parameter& p, double g, double step) { move(p, g + decay * p.weight, step); });
  expect_formula(AdamW{.beta1 = beta1, .beta2 = beta2, .eps = eps, .weight_decay = decay},
                 [&](Parameter& p, double g, double step) {
                   p.weight -= rate * decay * p.weight;
                   move(p, g, step);
                 });
}
