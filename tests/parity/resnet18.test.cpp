// Narrow ResNet-18s with either stem against PyTorch's, and ten steps of every optimizer.
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/optim/descent.hpp>
#include <captcha/optim/sgd.hpp>

#include "parity.hpp"

#include <algorithm>

using namespace captcha;

namespace {

using Net = ResNet18<20, 1, Stem::imagenet, 5>;
constexpr Shape image = chw(1, 52, 32);

/// Trains the net of resnet18.safetensors for ten steps on two batches in turn; weights are decayed, biases
/// and norms are not.
template <Optimizer O>
void check_ten_steps(const std::string& name, const O& optimizer) {
  CAPTURE(name);
  const parity::Reference file("training");
  const int batches = file.extent("x", 0);
  const std::vector<float> x = file.values("x"), losses = file.values(name + "/losses");
  const std::vector<int> labels = file.labels("labels");
  parity::SpecimenOf<Net, image> net(file.extent("x", 1));
  net.load(parity::Reference("resnet18"), "state.");
  Descent descent(optimizer, net.weights);
  REQUIRE(losses.size() == 10);
  for (int step = 0; step < 10; ++step) {
    CAPTURE(step);
    const std::vector<float> logits = net.forward(parity::part(x, step % batches, batches));
    const auto [loss, gradient] =
        parity::apply(CrossEntropy{}, logits, parity::part(labels, step % batches, batches));
    CHECK(loss == Approx(losses[static_cast<std::size_t>(step)]).epsilon(0).margin(1e-4));
    std::ranges::fill(net.gradients.parameters(), 0.0f);
    net.backward(gradient);
    descent.step(net.weights, net.gradients, 1.0, 1.0, net.workers);
  }
  CHECK(parity::difference(net.weight(net.weights.slot("fc.weight")), file.values(name + "/fc.weight")) <=
        1e-4);
}

}  // namespace

TEST_CASE("a narrow ResNet-18 for 1 x 52 x 32 equals PyTorch's") {
  parity::check_network<Net, image>("resnet18");
}

TEST_CASE("a narrow ResNet-18 with the small stem equals PyTorch's") {
  parity::check_network<ResNet18<5, 3, Stem::small, 4>, chw(3, 16, 12)>("resnet18_small");
}

TEST_CASE("ten steps of every optimizer give PyTorch's losses") {
  check_ten_steps("sgd", SGD{.learning_rate = 3e-3f, .momentum = 0});
  check_ten_steps("momentum", SGD{.learning_rate = 1e-3f, .momentum = 0.9f, .weight_decay = 0.1f});
  check_ten_steps("nesterov",
                  SGD{.learning_rate = 1e-3f, .momentum = 0.9f, .weight_decay = 0.1f, .nesterov = true});
  check_ten_steps(
      "adam",
      Adam{.learning_rate = 2e-3f, .beta1 = 0.8f, .beta2 = 0.99f, .eps = 1e-6f, .weight_decay = 0.01f});
  check_ten_steps("adamw", AdamW{.learning_rate = 2e-3f, .weight_decay = 0.5f});
}
