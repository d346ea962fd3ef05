// The gradient check notices what it is for: each of these layers has one mistake.
#include <captcha/compose/chain.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/testing/gradcheck.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

using namespace captcha;

namespace {

enum class Mistake {
  none,
  sign,
  half,
  one_entry_of_dx,
  one_sample,
  unwritten_dx,
  added_dx,
  overwritten_gradient,
  missing_gradient,
  ignores_frozen,
  not_a_number,
  jumps,
  undeclared_input
};

/// y = scale[c] * x^2, with a mistake.
template <Mistake M>
struct Square : LayerDefaults {
  static constexpr Reads reads{.input = M != Mistake::undeclared_input};
  static constexpr Shape out(Shape in) { return in; }
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.parameter({.name = "scale", .extents = {4}, .role = Role::weight, .initial = constant(1)});
  }
  /// f(feature, index) for every value.
  template <class F>
  static void each(int samples, F&& f) {
    for (std::size_t feature = 0; feature < 4; ++feature)
      for (std::size_t n = 0; n < static_cast<std::size_t>(samples); ++n)
        f(feature, feature * static_cast<std::size_t>(samples) + n);
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    each(call.samples, [&](std::size_t feature, std::size_t i) {
      call.y[i] = call.parameters[feature] * call.x[i] * call.x[i];
      if (M == Mistake::jumps) call.y[i] = std::floor(call.x[i] * T(1e9));
    });
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (!call.frozen[0] || M == Mistake::ignores_frozen) {
      if (M == Mistake::overwritten_gradient) std::fill_n(call.gradients, 4, T{0});
      each(call.samples, [&](std::size_t feature, std::size_t i) {
        if (M == Mistake::missing_gradient && feature == 2) return;
        if (M == Mistake::one_sample && i % static_cast<std::size_t>(call.samples) == 1) return;
        call.gradients[feature] += call.dy[i] * call.x[i] * call.x[i];
      });
    }
    if (call.dx)
      each(call.samples, [&](std::size_t feature, std::size_t i) {
        T gradient = 2 * call.parameters[feature] * call.x[i] * call.dy[i];
        if (M == Mistake::sign) gradient = -gradient;
        if (M == Mistake::half) gradient /= 2;
        if (M == Mistake::one_entry_of_dx && i == 5) gradient *= T(1.001);
        if (M == Mistake::not_a_number && i == 5) gradient = std::numeric_limits<T>::quiet_NaN();
        if (M == Mistake::unwritten_dx && i == 5) return;
        call.dx[i] = M == Mistake::added_dx ? call.dx[i] + gradient : gradient;
      });
  }
};

template <Mistake M>
GradientReport check(bool frozen = false) {
  return check_gradients<Square<M>, flat(4)>({.frozen = frozen});
}

/// The check fails and says so with this text.
template <Mistake M>
void expect_caught(const std::string& text, bool frozen = false) {
  const auto report = check<M>(frozen);
  CHECK_FALSE(report.ok());
  CHECK_THAT(report.message, Catch::Contains(text));
}

}  // namespace

TEST_CASE("a layer without mistakes passes, with every derivative measured") {
  const auto report = check<Mistake::none>();
  INFO(report.message);
  CHECK(report.ok());
  CHECK(report.derivatives == 12 + 1 + 4 + 1);  // entries of x and scale, and a direction for each
  CHECK(report.error < 1e-9);
  CHECK(check<Mistake::none>(true).ok());
}

TEST_CASE("wrong values are caught and the worst place is named") {
  expect_caught<Mistake::sign>("error 2, at most 1e-06");
  expect_caught<Mistake::half>("error 0.5");
  expect_caught<Mistake::one_entry_of_dx>("x (2, 1, 0, 0)");  // value 5 of 3 samples
  expect_caught<Mistake::one_sample>("scale (");
  expect_caught<Mistake::missing_gradient>("scale (2): backward says 0");
  expect_caught<Mistake::jumps>("differences say");
}

TEST_CASE("places that are left out, added to or overwritten are caught") {
  expect_caught<Mistake::unwritten_dx>("x (2, 1, 0, 0): backward left dx out here");
  expect_caught<Mistake::added_dx>("x (0, 0, 0, 0): backward left dx out here, added to it");
  expect_caught<Mistake::not_a_number>("x (2, 1, 0, 0)");
  expect_caught<Mistake::undeclared_input>("does `reads` declare what it reads?");
  expect_caught<Mistake::overwritten_gradient>("scale (0): backward must add to the gradient");
  expect_caught<Mistake::ignores_frozen>("scale (0): frozen", true);
  CHECK(check<Mistake::ignores_frozen>().ok());
}

TEST_CASE("a mistake is found inside a network, and named by its parameter") {
  using Net = Chain<Linear<3, 4>, Named<"middle", Square<Mistake::missing_gradient>>, Linear<4, 2>>;
  const auto report = check_gradients<Net, flat(3)>();
  CHECK_FALSE(report.ok());
  CHECK_THAT(report.message, Catch::Contains("middle.scale (2)"));
}

TEST_CASE("a mistake in one of many entries shows though few are checked one by one") {
  using Net = Chain<Square<Mistake::one_entry_of_dx>>;
  const auto report = check_gradients<Net, flat(4)>({.samples = 16, .entries = 1});
  CHECK_FALSE(report.ok());
}

TEST_CASE("inputs may be kept to where a layer is defined, and weights may be given") {
  auto weights = Weights<Square<Mistake::none>, double>(1);
  CHECK(check_gradients<Square<Mistake::none>, flat(4)>(weights, {.low = 2, .high = 3}).ok());
}
