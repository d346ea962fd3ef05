// BatchNorm2d: gradients and contract in training and frozen, and what its running statistics do.
#include <captcha/kernels/reference.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"
#include "expect_right.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

using namespace captcha;

namespace {

constexpr Shape shape = chw(3, 4, 5);
using Layer3 = BatchNorm2d<3, Norm{.eps = 1e-3f, .momentum = 0.25f}>;

std::vector<double> vector_of(std::span<const double> values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("BatchNorm2d's gradients are right and it keeps the contract, with every option") {
  expect_right<BatchNorm2d<3>, chw(3, 4, 5)>({.samples = 5});
  expect_right<BatchNorm2d<1>, chw(1, 1, 1)>({.samples = 5});
  expect_right<BatchNorm2d<2, Norm{.eps = 0.1f, .momentum = 1}>, chw(2, 3, 1)>({.samples = 5});
  expect_right<BatchNorm2d<2, Norm{}, true>, chw(2, 5, 3)>({.samples = 5});
}

TEST_CASE("a frozen BatchNorm2d has the gradient by its input that the running statistics give") {
  const auto report = check_gradients<BatchNorm2d<3>, shape>({.frozen = true});
  INFO(report.message);
  CHECK(report.ok());
  const auto rectified = check_gradients<BatchNorm2d<3, Norm{}, true>, shape>({.frozen = true});
  INFO(rectified.message);
  CHECK(rectified.ok());
}

TEST_CASE("in training BatchNorm2d normalises by the batch and moves its statistics as PyTorch does") {
  auto weights = varied_weights<Layer3>();
  const auto before = weights;
  const auto x = random_array(4, 3, 4, 5, 1);
  Tape<Layer3, shape, double> tape(4);
  Workers workers;
  const auto got = tape.forward(weights, to_layer_order<double>(x).data(), 4, {}, workers);

  const double eps = static_cast<double>(1e-3f);
  const auto biased = reference::statistics(x), unbiased = reference::statistics(x, 1);
  const auto y = reference::normalise(x, biased, eps, weights.get(weights.slot("weight")),
                                      weights.get(weights.slot("bias")));
  CHECK(difference(vector_of(got), y) < 1e-13);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto moved = [&](const char* name, double towards) {
      const double was = before.get(before.slot(name))[c];
      CHECK(weights.get(weights.slot(name))[c] == Approx(was + 0.25 * (towards - was)));
    };
    moved("running_mean", unbiased.mean[c]);
    moved("running_var", unbiased.variance[c]);
  }
  CHECK(std::ranges::equal(weights.parameters(), before.parameters()));
}

TEST_CASE("in prediction, and frozen in training, BatchNorm2d uses the running statistics") {
  auto weights = varied_weights<Layer3>();
  const auto x = random_array(4, 3, 4, 5, 1);
  const auto ours = to_layer_order<double>(x);
  const auto get = [&](const char* name) { return weights.get(weights.slot(name)); };
  const auto y = reference::normalise(x, {get("running_mean"), get("running_var")},
                                      static_cast<double>(1e-3f), get("weight"), get("bias"));
  Workers workers;
  Inference<Layer3, shape, double> infer(4);
  CHECK(difference(vector_of(infer(pack<shape>(weights), ours.data(), 4, workers)), y) < 1e-13);

  // Freezing one of the two parameters is enough.
  for (const std::size_t slot : {0u, 1u}) {
    Tape<Layer3, shape, double> tape(4);
    tape.frozen()[slot] = true;
    const auto buffers = vector_of(weights.buffers());
    CHECK(difference(vector_of(tape.forward(weights, ours.data(), 4, {}, workers)), y) < 1e-13);
    CHECK(vector_of(weights.buffers()) == buffers);
  }
}

TEST_CASE("a half-frozen BatchNorm2d gives the other parameter the gradient by the running statistics") {
  const auto weights = varied_weights<Layer3>();
  const auto x = random_array(4, 3, 4, 5, 1), dy = random_array(4, 3, 4, 5, 2);
  const auto get = [&](const char* name) { return weights.get(weights.slot(name)); };
  const auto want = reference::normalise_backward(x, dy, {get("running_mean"), get("running_var")}, false,
                                                  static_cast<double>(1e-3f), get("weight"));
  const auto ours = to_layer_order<double>(x), our_dy = to_layer_order<double>(dy);
  Workers workers;
  for (const bool weight_frozen : {true, false}) {
    auto moved = weights;
    auto gradients = Weights<Layer3, double>::zeros();
    Tape<Layer3, shape, double> tape(4);
    tape.frozen()[weight_frozen ? 0 : 1] = true;
    tape.forward(moved, ours.data(), 4, {}, workers);
    std::ranges::copy(our_dy, tape.output_gradient(4).begin());
    std::vector<double> dx(ours.size());
    tape.backward(moved, gradients, ours.data(), 4, {}, workers, dx.data());
    const std::vector<double> zeros(3);
    const auto of = [&](const char* name) { return gradients.get(gradients.slot(name)); };
    CHECK(difference<double>(of("weight"), weight_frozen ? zeros : want.weight) < 1e-12);
    CHECK(difference<double>(of("bias"), weight_frozen ? want.bias : zeros) < 1e-12);
    CHECK(difference(dx, want.x) < 1e-12);
  }
}

TEST_CASE("a constant channel is normalised to the bias, and one value to no variance") {
  using L = BatchNorm2d<1>;
  Weights<L, double> weights;
  Tape<L, chw(1, 2, 2), double> tape(3);
  Workers workers;
  const std::vector<double> x(12, 7.0);
  // x * scale + shift in one rounding leaves the rounding of the shift: 7 / sqrt(1e-5) * 2^-53.
  for (const double y : tape.forward(weights, x.data(), 3, {}, workers)) CHECK(std::abs(y) < 1e-12);
  const auto one = tape.forward(weights, x.data(), 1, {}, workers);
  CHECK(std::isfinite(one[0]));
  Tape<L, chw(1, 1, 1), double> pixel(1);
  CHECK(std::abs(pixel.forward(weights, x.data(), 1, {}, workers)[0]) < 1e-12);
  for (const double buffer : weights.buffers()) CHECK(std::isfinite(buffer));
}
