// Predictor: images in everybody's order, probabilities, and nothing but S.size() values.
#include <captcha/layers.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

using namespace captcha;

namespace {
using Net = Chain<Conv2d<3, 4>, ReLU, GlobalAvgPool2d, Linear<4, 5>>;
constexpr Shape shape = chw(3, 6, 5);

// A layer that was written before there was another form of weights: it packs the reciprocal of its
// parameter.
struct Divide : LayerDefaults {
  static constexpr Reads reads{.input = true};
  static constexpr Shape out(Shape in) { return in; }
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.parameter({.name = "by", .extents = {1}, .role = Role::weight, .initial = constant(2)});
  }
  static constexpr std::size_t packed(Shape) { return 1; }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    call.packed[0] = T{1} / call.parameters[0];
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
      call.y[i] = call.x[i] * call.parameters[0];
  }
  template <Shape S, class T>
  static void backward(const Backward<T>&) {}
};

// And one around another layer.
template <class L>
struct Around : LayerDefaults {
  static constexpr Shape wants(Shape in) { return L::wants(in); }
  static constexpr Shape out(Shape in) { return L::out(in); }
  static constexpr Footprint scratch(Shape in, Pass pass) { return L::scratch(in, pass); }
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    L::describe(slots);
  }
  static constexpr std::size_t packed(Shape in) { return packed_values<L>(in); }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    run_pack<L, S>(call);
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    run_infer<L, S>(call);
  }
  template <Shape S, class T>
  static void backward(const Backward<T>&) {}
};

// Convolutions of every way: in groups, the short one, folded norms, beside a sum, of narrow blocks.
using Conv3 = Conv2d<32, 32, Conv{.padding = 1, .bias = false}>;
using Body = Chain<Named<"a", Conv3>, Named<"norm", BatchNorm2d<32>>, ReLU, Named<"b", Conv3>>;
using Shortcut = Named<"c", Conv2d<32, 32, Conv{.kernel = 1, .groups = 2}>>;
template <template <class> class Wrap>
using DeepOf = Chain<Named<"stem", Conv2d<3, 32, Conv{.stride = 2, .padding = 1}>>, Named<"divide", Divide>,
                     Residual<Body, Shortcut>, ReLU, Named<"wrapped", Wrap<Conv2d<32, 9>>>, GlobalAvgPool2d,
                     Named<"fc", Linear<9, 5>>>;
template <class L>
using Bare = L;
constexpr Shape image = chw(3, 17, 14);
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

TEST_CASE(
    "weights kept as BFloat16 predict batches of any size, and one image, as well as their digits allow") {
  using Deep = DeepOf<Around>;
  STATIC_REQUIRE(Keeps<Conv3, BFloat16>);
  STATIC_REQUIRE(!Keeps<Divide, BFloat16>);
  STATIC_REQUIRE(!Keeps<Around<Conv3>, BFloat16>);
  // What is wrapped keeps its weights wide.
  STATIC_REQUIRE(PackedWeights<DeepOf<Bare>, image, BFloat16>::size <
                 PackedWeights<Deep, image, BFloat16>::size);
  STATIC_REQUIRE(PackedWeights<Deep, image, BFloat16>::size < PackedWeights<Deep, image>::size);

  constexpr int most = 64;
  const auto weights = varied_weights<Deep, float>(2);
  const auto wide = pack<image>(weights);
  const auto narrow = pack<image, BFloat16>(weights);
  const auto images = random_values<float>(image.size() * most, 3);
  Predictor<Deep, image, BFloat16> predict(narrow);
  CHECK(Predictor<Deep, image, BFloat16>(weights)(std::span(images).first(image.size())) ==
        predict(std::span(images).first(image.size())));
  Inference<Deep, image> inference(most);
  for (const int samples : {1, 2, 15, 16, 64}) {
    CAPTURE(samples);
    const auto count = static_cast<std::size_t>(samples);
    const auto batch = to_layer_order<float>(std::span(images).first(image.size() * count), image, samples);
    const auto predicted = [&](const auto& with, int threads) {
      Workers workers(threads);
      const auto y = inference(with, batch.data(), samples, workers);
      return std::vector<float>(y.begin(), y.end());
    };
    const auto expected = predicted(wide, 1), y = predicted(narrow, 1);
    CHECK(predicted(narrow, 3) == y);
    CHECK(y != expected);
    double size = 0, off = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      size = std::max(size, std::abs(static_cast<double>(expected[i])));
      off = std::max(off, std::abs(static_cast<double>(y[i]) - static_cast<double>(expected[i])));
    }
    CHECK(off < 0.01 * size);
    for (std::size_t n = 0; n < count; ++n) {
      const auto logits = predict(std::span(images).subspan(n * image.size(), image.size()));
      for (std::size_t c = 0; c < 5; ++c)
        if (logits[c] != Approx(y[c * count + n]).margin(1e-4 * size)) FAIL_CHECK(n << ", " << c);
    }
  }
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
