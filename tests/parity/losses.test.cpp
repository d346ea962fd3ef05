// Losses and their gradients against PyTorch's.
#include <captcha/core/mixed.hpp>
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/loss/mean_squared_error.hpp>

#include "parity.hpp"

#include <array>

using namespace captcha;

namespace {

template <class Loss, class Target>
void check_loss(const parity::Reference& file, const std::string& name, const Loss& loss,
                const std::string& outputs, const std::vector<Target>& targets) {
  CAPTURE(name);
  const auto [value, gradient] = parity::apply(loss, file.values(outputs), std::span(targets));
  CHECK(value == Approx(file.value(name + "/loss")).epsilon(1e-6));
  CHECK(parity::difference(gradient, file.values(name + "/gradient")) <= 1e-6);
}

}  // namespace

TEST_CASE("cross-entropy equals PyTorch's, with smoothing and class weights") {
  const parity::Reference file("losses");
  const std::vector<int> labels = file.labels("first");
  const std::vector<float> weights = file.values("weights");
  check_loss(file, "plain", CrossEntropy{}, "logits", labels);
  check_loss(file, "extreme", CrossEntropy{}, "huge", labels);
  check_loss(file, "smooth", CrossEntropy{.label_smoothing = 0.125f}, "logits", labels);
  check_loss(file, "weighted", CrossEntropy{.class_weights = weights}, "logits", labels);
  check_loss(file, "weighted.smooth", CrossEntropy{.label_smoothing = 0.25f, .class_weights = weights},
             "logits", labels);
}

TEST_CASE("cross-entropy of blended labels equals PyTorch's for the blended distribution") {
  const parity::Reference file("losses");
  const std::vector<int> first = file.labels("first"), second = file.labels("second");
  const std::vector<float> share = file.values("share");
  std::vector<Mixed<int>> blends;
  for (std::size_t n = 0; n < first.size(); ++n) blends.push_back({first[n], second[n], share[n]});
  check_loss(file, "blend", CrossEntropy{}, "logits", blends);
  check_loss(file, "blend.smooth", CrossEntropy{.label_smoothing = 0.125f}, "logits", blends);
}

TEST_CASE("mean squared error equals PyTorch's") {
  const parity::Reference file("losses");
  const std::vector<float> values = file.values("values");
  std::vector<std::array<float, 5>> targets(values.size() / 5);
  for (std::size_t i = 0; i < values.size(); ++i) targets[i / 5][i % 5] = values[i];
  check_loss(file, "squares", MeanSquaredError{}, "logits", targets);
}
