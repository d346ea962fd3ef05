// The conformance check notices what it is for: each of these layers breaks the contract in one place.
#include <captcha/core/layer.hpp>
#include <captcha/kernels/elementwise.hpp>
#include <captcha/testing/conformance.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

using namespace captcha;

namespace {

enum class Breach {
  none,
  scratch_too_small,
  saved_too_small,
  writes_beside_y,
  reads_scratch,
  saves_nothing,
  undeclared_input,
  undeclared_output,
  unwritten_y,
  threads,
  needs_dx,
  crashes_without_dx,
  trains_frozen,
  moves_frozen_buffers,
  trains_differently,
  mixes_samples,
  writes_beside_gradients
};

/// y = x * weight, with the scale kept in `saved`, and one breach.
template <Breach B>
struct Scale : LayerDefaults {
  static constexpr Reads reads{.input = B != Breach::undeclared_input};
  static constexpr Shape out(Shape in) { return in; }
  static constexpr Footprint saved(Shape) { return {0, B == Breach::saved_too_small ? 0u : 1u}; }
  static constexpr Footprint scratch(Shape in, Pass) {
    return {in.size() - (B == Breach::scratch_too_small ? 1 : 0), 0};
  }
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.parameter({.name = "weight", .extents = {1}, .role = Role::weight, .initial = constant(1)});
    slots.buffer({.name = "steps", .extents = {1}, .role = Role::running_mean, .initial = constant(0)});
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    const std::size_t count = S.size() * static_cast<std::size_t>(call.samples);
    if (B != Breach::reads_scratch) copy(count, call.x, call.scratch, call.workers);
    for (std::size_t i = B == Breach::unwritten_y ? 1 : 0; i < count; ++i)
      call.y[i] = call.scratch[i] * call.parameters[0];
    if (B == Breach::writes_beside_y) call.y[count] = 0;
    if (B == Breach::mixes_samples) call.y[0] = call.y[count - 1];
    if (B == Breach::threads) call.y[0] += static_cast<T>(call.workers.size());
  }
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    infer<S>(
        Infer<T>{call.samples, call.x, call.y, call.parameters, call.buffers, call.scratch, call.workers});
    if (B != Breach::saves_nothing) call.saved[0] = call.parameters[0];
    if (!call.frozen[0] || B == Breach::moves_frozen_buffers) call.buffers[0] += 1;
    if (B == Breach::trains_differently) call.y[1] += 1;
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    const std::size_t count = S.size() * static_cast<std::size_t>(call.samples);
    if (!call.frozen[0] || B == Breach::trains_frozen)
      for (std::size_t i = 0; i < count; ++i) call.gradients[0] += call.dy[i] * call.x[i];
    if (B == Breach::writes_beside_gradients) call.gradients[1] = 0;
    if (B == Breach::needs_dx && !call.dx) call.gradients[0] = 0;
    if (call.dx || B == Breach::crashes_without_dx)
      for (std::size_t i = 0; i < count; ++i)
        call.dx[i] = call.dy[i] * call.saved[0] + (B == Breach::undeclared_output ? call.y[i] : 0);
  }
};

template <Breach B>
std::string breaches() {
  return check_conformance<Scale<B>, chw(2, 3, 2)>().message;
}

template <Breach B>
void expect_caught(const std::string& text) {
  CHECK_THAT(breaches<B>(), Catch::Contains(text));
}

}  // namespace

TEST_CASE("a layer that keeps the contract passes") {
  CHECK(breaches<Breach::none>() == "");
  CHECK(check_conformance<Scale<Breach::none>, chw(2, 3, 2)>().ok());
  CHECK(check_conformance<Scale<Breach::none>, chw(2, 3, 2), double>().ok());
}

TEST_CASE("writes beside a region are caught and the region is named") {
  expect_caught<Breach::scratch_too_small>("beside its scratch, in infer");
  expect_caught<Breach::scratch_too_small>("beside its scratch, in forward");
  expect_caught<Breach::saved_too_small>("beside its saved region");
  expect_caught<Breach::writes_beside_y>("beside y, in infer");
  expect_caught<Breach::writes_beside_gradients>("beside its gradients");
}

TEST_CASE("reads of what is undefined or undeclared are caught") {
  expect_caught<Breach::reads_scratch>("not-a-number in the output of infer");
  expect_caught<Breach::reads_scratch>("depends on what undefined memory holds: the output of infer");
  expect_caught<Breach::unwritten_y>("not-a-number in the output of forward");
  expect_caught<Breach::saves_nothing>("not-a-number in dx");
  expect_caught<Breach::undeclared_input>("not-a-number in the gradients");
  expect_caught<Breach::undeclared_output>("not-a-number in dx");
}

TEST_CASE("results that depend on threads, neighbours, dx or freezing are caught") {
  expect_caught<Breach::crashes_without_dx>("backward crashes where dx is null");
  expect_caught<Breach::threads>("1 and 2 threads give different bits in the output of infer");
  expect_caught<Breach::mixes_samples>("another output when others are beside it");
  expect_caught<Breach::needs_dx>("backward without dx changes the gradients");
  expect_caught<Breach::trains_frozen>("weight (0): frozen");
  expect_caught<Breach::moves_frozen_buffers>("changes buffers though every parameter is frozen");
  expect_caught<Breach::trains_differently>("infer and forward differ");
}
