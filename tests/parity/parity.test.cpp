// The definitions of parity.hpp, and the test of this ruler itself.
#include "parity.hpp"

#include <captcha/io/safetensors.hpp>
#include <captcha/loss/cross_entropy.hpp>

#include <algorithm>
#include <cmath>

namespace captcha::parity {

std::filesystem::path data_folder() {
  return CAPTCHA_PARITY_DIR;
}

namespace {

const SafeTensor& array(const SafetensorsFile& file, const std::string& name) {
  const SafeTensor* found = file.find(name);
  if (!found) throw Error("parity: no array is called '" + name + "'; run tests/parity/make_parity.py");
  return *found;
}

/// Calls f(position in PyTorch's order, position in ours).
template <class F>
void for_each_position(Shape shape, int samples, F&& f) {
  std::size_t position = 0;
  for (int n = 0; n < samples; ++n)
    for (int c = 0; c < shape.channels; ++c)
      for (int h = 0; h < shape.height; ++h)
        for (int w = 0; w < shape.width; ++w)
          f(position++, static_cast<std::size_t>(((h * shape.width + w) * shape.channels + c) * samples + n));
}

/// Compares gradients with the arrays `prefix`grad.*, and buffers with `prefix`after.*.
void check_training(const Specimen& specimen, const Reference& file, const std::string& prefix) {
  for (const PlacedSlot& slot : specimen.slots) {
    CAPTURE(slot.name);
    if (slot.is_buffer)
      CHECK(difference(specimen.weight(slot), file.values(prefix + "after." + slot.name)) <= value_tolerance);
    else
      CHECK(difference(specimen.gradient(slot), file.values(prefix + "grad." + slot.name)) <=
            gradient_tolerance);
  }
}

}  // namespace

Reference::Reference(const std::string& name)
    : file_(std::make_shared<const SafetensorsFile>(
          SafetensorsFile::read(data_folder() / (name + ".safetensors")))) {}
std::vector<float> Reference::values(const std::string& name) const {
  return to_vector<float>(array(*file_, name));
}
std::vector<int> Reference::labels(const std::string& name) const {
  const std::vector<float> stored = values(name);
  return {stored.begin(), stored.end()};
}
int Reference::extent(const std::string& name, std::size_t axis) const {
  return static_cast<int>(array(*file_, name).shape.at(axis));
}

AlignedVector<float> to_ours(Shape shape, int samples, std::span<const float> torch) {
  AlignedVector<float> ours(torch.size());
  for_each_position(shape, samples, [&](std::size_t from, std::size_t to) { ours.at(to) = torch[from]; });
  return ours;
}
std::vector<float> to_torch(Shape shape, int samples, std::span<const float> ours) {
  std::vector<float> torch(ours.size());
  for_each_position(shape, samples, [&](std::size_t to, std::size_t from) { torch.at(to) = ours[from]; });
  return torch;
}

double difference(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    worst = std::max(worst, error);
  }
  return largest > 0 ? worst / largest : worst;
}

void Specimen::load(const Reference& file, const std::string& prefix) {
  for (const PlacedSlot& slot : slots) set(slot, file.values(prefix + slot.name));
}
std::vector<float> Specimen::infer(std::span<const float> x) {
  x_ = to_ours(in, samples, x);
  return to_torch(out, samples, run_infer(x_.data()));
}
std::vector<float> Specimen::forward(std::span<const float> x) {
  x_ = to_ours(in, samples, x);
  return to_torch(out, samples, run_forward(x_.data()));
}
std::vector<float> Specimen::backward(std::span<const float> dy) {
  AlignedVector<float> dx(x_.size(), std::numeric_limits<float>::quiet_NaN());
  std::ranges::copy(to_ours(out, samples, dy), output_gradient().begin());
  run_backward(x_.data(), dx.data());
  return to_torch(in, samples, dx);
}

void check_layer(Specimen&& layer, const Reference& file, const std::string& name, Mode mode) {
  CAPTURE(name);
  const std::string prefix = name + "/";
  const int steps = file.extent(prefix + "x", 0);
  const auto x = file.values(prefix + "x"), y = file.values(prefix + "y");
  const auto dy = file.values(prefix + "dy"), dx = file.values(prefix + "dx");
  layer.load(file, prefix + "state.");
  std::ranges::fill(layer.frozen(), mode == Mode::frozen);
  for (int step = 0; step < steps; ++step) {
    CAPTURE(step);
    CHECK(difference(layer.forward(part(x, step, steps)), part(y, step, steps)) <= value_tolerance);
    CHECK(difference(layer.backward(part(dy, step, steps)), part(dx, step, steps)) <= gradient_tolerance);
  }
  check_training(layer, file, prefix);
  CHECK(difference(layer.infer(part(x, 0, steps)), file.values(prefix + "eval")) <= value_tolerance);
}

void check_network(Specimen&& net, const Reference& file) {
  net.load(file, "state.");
  CHECK(difference(net.infer(file.values("x")), file.values("eval")) <= value_tolerance);
  const std::vector<float> logits = net.forward(file.values("x"));
  CHECK(difference(logits, file.values("train")) <= value_tolerance);
  const std::vector<int> labels = file.labels("labels");
  const auto [loss, gradient] = apply(CrossEntropy{}, logits, std::span(labels));
  CHECK(loss == Approx(file.value("loss")).epsilon(value_tolerance));
  CHECK(difference(net.backward(gradient), file.values("dx")) <= gradient_tolerance);
  check_training(net, file, "");
}

}  // namespace captcha::parity

using namespace captcha;

TEST_CASE("the parity tests convert between (N, C, H, W) and our memory order") {
  const std::vector<float> torch{111, 112, 113, 121, 122, 123, 211, 212, 213, 221, 222, 223};  // n, c, w
  const std::vector<float> ours{111, 211, 121, 221, 112, 212, 122, 222, 113, 213, 123, 223};
  const AlignedVector<float> converted = parity::to_ours(chw(2, 1, 3), 2, torch);
  CHECK(std::ranges::equal(converted, ours));
  const std::vector<float> rows{11, 12, 21, 22};  // c, h
  CHECK(std::ranges::equal(parity::to_ours(chw(2, 2, 1), 1, rows), std::vector<float>{11, 21, 12, 22}));
  CHECK(parity::to_torch(chw(2, 1, 3), 2, converted) == torch);
}

TEST_CASE("the parity tests see every difference") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(parity::difference(std::vector{1.0f, 4.0f}, std::vector{1.5f, 4.0f}) == 0.125);
  CHECK(parity::difference(std::vector{0.25f}, std::vector{0.0f}) == 0.25);
  CHECK(parity::difference(std::vector{0.0f, 1.0f}, std::vector{0.0f, 1.0f}) == 0);
  CHECK(std::isinf(parity::difference(std::vector{nan}, std::vector{nan})));
  CHECK(std::isinf(parity::difference(std::vector{1.0f}, std::vector{1.0f, 1.0f})));
  CHECK_THROWS_AS(parity::Reference("schedules").values("no such schedule"), Error);
}
