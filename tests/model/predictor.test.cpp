// Predictor: images in everybody's order, probabilities, and nothing but S.size() values.
#include <captcha/layers.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

using namespace captcha;

namespace {
using Net = Chain<Conv2d<3, 4>, ReLU, GlobalAvgPool2d, Linear<4, 5>>;
constexpr Shape shape = chw(3, 6, 5);
}  // namespace

TEST_CASE("a predictor gives for an image in (C, H, W) order what a batch gives") {
  const auto weights = varied_weights<Net, float>(2);
  constexpr int samples = 4;
  const auto images = random_values<float>(shape.size() * samples, 3);
  Inference<Net, shape> inference(samples);
  Workers workers;
  const auto batch = to_layer_order<float>(std::span<const float>(images), shape, samples);
  const auto expected = inference(pack<shape>(weights), batch.data(), samples, workers);
  Predictor<Net, shape> predict(weights);
  for (std::size_t n = 0; n < samples; ++n) {
    const auto logits = predict(std::span(images).subspan(n * shape.size(), shape.size()));
    REQUIRE(logits.size() == 5);
    for (std::size_t c = 0; c < 5; ++c) CHECK(logits[c] == Approx(expected[c * samples + n]).epsilon(1e-5));
  }
  CHECK_THROWS_WITH(predict(images), Catch::Contains("360 values, a 3 x 6 x 5 image has 90"));
  CHECK_THROWS_WITH(inference(pack<shape>(weights), batch.data(), samples + 1, workers),
                    Catch::Contains("at most 4"));
}

TEST_CASE("softmax gives shares of one, however large the logits are") {
  const std::vector<float> logits{1000, 1001, -1000};
  const auto shares = softmax(logits);
  CHECK(shares[0] == Approx(1 / (1 + std::exp(1.0))));
  CHECK(shares[2] == 0);
  CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == Approx(1));
  CHECK(softmax({}).empty());
}

TEST_CASE("softmax refuses what is not a number") {
  const float none = std::numeric_limits<float>::quiet_NaN(),
              infinite = std::numeric_limits<float>::infinity();
  for (const float bad : {none, infinite})
    for (const std::vector<float>& logits : {std::vector<float>{bad, 1, 2}, {1, 2, bad}})
      CHECK_THROWS_AS(softmax(logits), NotANumber);
  CHECK(softmax(std::vector<float>{-infinite, 0})[1] == 1);
}
