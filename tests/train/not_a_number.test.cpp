// Not-a-number stops a run in the step in which it appears, and says where: in an input, a weight, an
// activation, a gradient, a statistic, an update, or the validation data.
#include <captcha/train.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "toys.hpp"

#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace captcha;
using toys::Halves, toys::Tiny;

namespace {

constexpr float no_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// Does nothing, until a test says what it shall break.
struct Saboteur : LayerDefaults {
  static inline int forwards_until_it_strikes = -1;
  static inline int backwards_until_it_strikes = -1;
  static constexpr Reads reads{};
  static constexpr Shape out(Shape in) { return in; }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    std::copy_n(call.x, S.size() * static_cast<std::size_t>(call.samples), call.y);
    if (forwards_until_it_strikes >= 0 && forwards_until_it_strikes-- == 0) {
      call.y[3] = T{no_number};
      forwards_until_it_strikes = 0;  // and once more for who looks where it was
    }
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (!call.dx) return;
    std::copy_n(call.dy, S.size() * static_cast<std::size_t>(call.samples), call.dx);
    if (backwards_until_it_strikes >= 0 && backwards_until_it_strikes-- == 0)
      std::fill_n(call.dx, 2 * call.samples, T{no_number});
  }
};
using Net =
    Chain<Named<"conv", Conv2d<1, 4, Conv{.padding = 1}>>, Named<"bn", BatchNorm2d<4>>, ReLU, Saboteur,
          Named<"conv2", Conv2d<4, 4, Conv{.padding = 1}>>, GlobalAvgPool2d, Named<"fc", Linear<4, 2>>>;

struct Sabotage {
  Sabotage(int forwards, int backwards) {
    Saboteur::forwards_until_it_strikes = forwards;
    Saboteur::backwards_until_it_strikes = backwards;
  }
  ~Sabotage() { Saboteur::forwards_until_it_strikes = Saboteur::backwards_until_it_strikes = -1; }
};

/// Samples with names, one of which may be broken.
struct Files : Halves {
  std::size_t broken = 1000;
  int get(std::size_t index, std::span<float> pixels, Random& random) const {
    const int label = Halves::get(index, pixels, random);
    if (index == broken) pixels[7] = no_number;
    return label;
  }
  std::string name(std::size_t index) const { return "pictures/" + std::to_string(index) + ".png"; }
};

FitOptions<> options(const std::filesystem::path& folder) {
  return {.epochs = 4,
          .batch_size = 4,
          .optimizer = {.learning_rate = 1e-3f},
          .threads = 1,
          .run = folder,
          .resume = true,
          .checkpoint_steps = 3};
}

struct Thrown {
  std::string what;
  std::vector<std::size_t> samples;
};

template <class N, class... Callbacks>
Thrown thrown(const FitOptions<>& how, const Files& files, Callbacks&&... callbacks) {
  Weights<N> weights(1);
  try {
    fit(weights, files, how, callbacks...);
  } catch (const NotANumber& error) {
    return {error.what(), error.samples};
  }
  return {};
}

/// A regression in which one target is none.
struct Values {
  static constexpr Shape shape = flat(2);
  std::size_t broken = 99;
  std::size_t size() const { return 10; }
  float get(std::size_t index, std::span<float> x) const {
    x[0] = x[1] = 1;
    return index == broken ? no_number : 1.0f;
  }
  std::string name(std::size_t index) const { return "record " + std::to_string(index); }
};

}  // namespace

TEST_CASE("not-a-number in an input names the file") {
  const TemporaryFolder folder;
  const Thrown found = thrown<Tiny>(options(folder.path), Files{{}, 17});
  CHECK_THAT(found.what, Catch::Contains("the input is not a number, or too large; of pictures/17.png;"));
  CHECK(found.samples == std::vector<std::size_t>{17});
}

TEST_CASE("not-a-number in a weight names the weight") {
  struct Break {
    Weights<Tiny>& weights;
    void on_step(const TrainingState& state) {
      if (state.step == 5) weights.values(Weights<Tiny>::slot("fc.weight"))[2] = infinity;
    }
  };
  Weights<Tiny> weights(1);
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(
      fit(weights, Files{}, options(folder.path), Break{weights}),
      Catch::Contains("epoch 1, step 6: fc.weight is not a number, or too large; the batch: pictures/"));
}

TEST_CASE("not-a-number in an activation names the layer and the files, and the last checkpoint stays good") {
  const TemporaryFolder folder;
  Weights<Net> reference(1);
  fit(reference, Files{}, options(folder.path / "whole"));
  {
    const Sabotage sabotage(7, -1);
    const Thrown found = thrown<Net>(options(folder.path / "run"), Files{});
    CHECK_THAT(found.what, Catch::Contains("epoch 1, step 8:") &&
                               Catch::Contains("the output of a layer in front of conv2 is not a number,"));
    CHECK(found.samples.size() == 4);
    for (const std::size_t sample : found.samples)
      CHECK_THAT(found.what, Catch::Contains("pictures/" + std::to_string(sample) + ".png"));
  }
  Weights<Net> weights(1);
  CHECK_THAT(fit(weights, Files{}, options(folder.path / "run")).resumed,
             Catch::EndsWith("checkpoint-00000006.safetensors"));
  CHECK(std::ranges::equal(weights.parameters(), reference.parameters()));
}

TEST_CASE("not-a-number in a gradient names the parameter that met it first") {
  const TemporaryFolder folder;
  const Sabotage sabotage(-1, 7);
  const Thrown found = thrown<Net>(options(folder.path), Files{});
  CHECK_THAT(found.what,
             Catch::StartsWith("epoch 1, step 8: the gradient of bn.bias is not a number, or too large, in 2 "
                               "of its 4 values; the batch: pictures/"));
  CHECK(found.samples.size() == 4);
  CHECK_FALSE(std::filesystem::exists(folder.path / "final.safetensors"));
}

TEST_CASE("not-a-number in a gradient that waits for others names the samples of all of them") {
  FitOptions<> how = options({});
  how.accumulate = 3;  // of 10 batches an epoch: three updates, and one with the batch that is left over
  {
    const Sabotage sabotage(-1, 1);
    const Thrown found = thrown<Net>(how, Files{});
    CHECK_THAT(found.what, Catch::StartsWith("epoch 1, step 3: the gradient of bn.bias is not a number"));
    CHECK(found.samples.size() == 12);
  }
  {
    const Sabotage sabotage(-1, 9);
    const Thrown found = thrown<Net>(how, Files{});
    CHECK_THAT(found.what, Catch::StartsWith("epoch 1, step 10: the gradient of bn.bias is not a number") &&
                               Catch::Contains("; the batch: pictures/"));
    CHECK(found.samples.size() == 4);
  }
}

TEST_CASE("a rate that is far too high is stopped at the update, clipped or not") {
  for (const double clip : {0.0, 1.0}) {
    const TemporaryFolder folder;
    FitOptions<SGD> how{
        .epochs = 4, .batch_size = 4, .optimizer = {.learning_rate = 1e30f}, .clip_norm = clip};
    Weights<Tiny> weights(1);
    CHECK_THROWS_AS(fit(weights, Files{}, how), NotANumber);
  }
}

TEST_CASE("a statistic that overflows is named though the loss is a number") {
  struct Bright : Files {
    int get(std::size_t index, std::span<float> pixels, Random& random) const {
      const int label = Halves::get(index, pixels, random);
      for (float& pixel : pixels) pixel *= 1e15f;
      return label;
    }
  };
  Weights<Tiny> weights(1);
  CHECK_THROWS_WITH(fit(weights, Bright{}, options({})), Catch::Contains("a running statistic"));
}

TEST_CASE("not-a-number in the validation data names the sample, and nothing is saved of that epoch") {
  const TemporaryFolder folder;
  Weights<Tiny> weights(1);
  FitOptions<> how = options(folder.path);
  how.checkpoint_steps = 0;
  CHECK_THROWS_WITH(fit(weights, Files{}, Files{{}, 3}, how),
                    Catch::Contains("not trained on") && Catch::Contains("pictures/3.png"));
  CHECK(checkpoints_of(folder.path).empty());
}

TEST_CASE("not-a-number in a target that is judged by names its sample") {
  Weights<Linear<2, 1>> weights(1);
  const FitOptions<AdamW, MeanSquaredError, std::tuple<>> how{.epochs = 1, .batch_size = 8, .threads = 1};
  CHECK_THROWS_WITH(fit(weights, Values{}, Values{3}, how), Catch::EndsWith("record 3"));
}

TEST_CASE("sound numbers have squares that are numbers") {
  for (const float good : {0.0f, -1.0f, 9.2e18f, -9.2e18f, 1e-45f}) {
    CHECK(is_sound(good));
    CHECK(all_sound(1, &good));
  }
  for (const float bad : {no_number, -no_number, infinity, -infinity, 9.3e18f, -3e38f}) {
    CHECK_FALSE(is_sound(bad));
    std::vector<float> values(37, 1.0f);
    for (std::size_t at = 0; at < values.size(); ++at) {
      values[at] = bad;
      CHECK_FALSE(all_sound(values.size(), values.data()));
      CHECK(count_unsound(values.size(), values.data()) == 1);
      values[at] = 1;
    }
  }
  const double large = 1e150, larger = 1e155;
  CHECK(all_sound(1, &large));
  CHECK_FALSE(all_sound(1, &larger));
}
