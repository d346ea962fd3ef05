// What docs/training.md shows, compiled and run.
#include <captcha/models/mlp.hpp>
#include <captcha/train.hpp>
#include <captcha/train/rate_finder.hpp>

#include "catch.hpp"

#include <cstdio>
#include <filesystem>
#include <span>

using namespace captcha;

namespace {

/// Points left and right of a line.
struct Sides {
  static constexpr Shape shape = flat(2);
  std::size_t size() const { return 96; }
  int get(std::size_t index, std::span<float> point) const {
    Random random(1, Purpose::test, 0, index);
    point[0] = random.normal();
    point[1] = random.normal();
    return point[0] > 0 ? 1 : 0;
  }
};
using Net = Chain<Named<"body", Linear<2, 8>>, ReLU, Named<"head", Linear<8, 2>>>;

// [callback]
/// Ends the run when the training loss is low enough, and counts the steps.
struct GoodEnough {
  double loss;
  std::size_t steps = 0;

  void on_step(const TrainingState&) { ++steps; }
  void on_epoch_end(TrainingState& state) { state.stop = state.stop || state.loss < loss; }
};
// [callback]

}  // namespace

TEST_CASE("the training page does what it says") {
  const auto [train, test] = split(Sides{}, {0.75, 0.25});
  const auto folder = std::filesystem::temp_directory_path() / "captcha-test-training-page";
  std::filesystem::remove_all(folder);
  Weights<Net> weights(1);

  // [schedules]
  FitOptions<> options{.epochs = 4, .batch_size = 16, .optimizer = AdamW{.learning_rate = 1e-2f}};
  options.schedule = OneCycle{};                            // what fit uses unless told otherwise
  options.schedule = CosineRate{.floor = 0.01};             // down to a hundredth of the rate
  options.schedule = StepRate{.epochs = 30, .gamma = 0.1};  // a tenth after every 30 epochs
  options.schedule = WarmUp<CosineRate>{.steps = 3};        // three steps up, the rest along a cosine
  options.schedule = [](Progress p) { return p.step < 9 ? 1.0 : 0.5; };  // or any function
  // [schedules]
  CHECK(fit(weights, train, test, options).epoch == 4);

  // [groups]
  const FitOptions<SGD> with_sgd{
      .epochs = 2,
      .batch_size = 16,
      .optimizer = SGD{.learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 1e-4f, .nesterov = true},
      .groups = {{.prefix = "body", .rate = 0.1f},           // a tenth of the rate
                 {.prefix = "head", .weight_decay = 0.0f},   // no decay
                 {.prefix = "body.bias", .frozen = true}}};  // not trained at all
  // [groups]
  CHECK(fit(weights, train, test, with_sgd).epoch == 2);

  // [limits]
  FitOptions<> careful{.epochs = 50, .batch_size = 16};
  careful.accumulate = 2;       // one update from two batches: like a batch of 32 in the memory of 16
  careful.clip_norm = 1;        // a longer gradient is scaled down to length 1
  careful.average_decay = 0.9;  // validate and return a moving average of the weights
  careful.patience = 3;         // stop after three epochs without a better one
  // [limits]
  CHECK(fit(weights, train, test, careful).epoch > 0);

  // [resume]
  FitOptions<> kept{.epochs = 3, .batch_size = 16, .run = folder};
  fit(weights, train, test, kept);  // writes the run to the folder

  kept.resume = true;
  const FitResult result =
      fit(weights, train, test, kept);  // goes on from the last epoch: here, nothing is left
  std::printf("best after epoch %zu: %.3f\n", result.best_epoch, result.best);
  // [resume]
  CHECK(result.epoch == 3);
  CHECK(std::filesystem::exists(folder / "best.safetensors"));
  CHECK_FALSE(std::filesystem::exists(folder / "config.toml"));
  std::filesystem::remove_all(folder);

  // [calling]
  GoodEnough good_enough{.loss = 0.3};
  fit(weights, train, test, {.epochs = 100, .optimizer = {.learning_rate = 1e-2f}}, good_enough);
  // [calling]
  CHECK(good_enough.steps > 0);
  CHECK(good_enough.steps < 100);

  // [finder]
  FitOptions<> sought{.batch_size = 16};
  const RateCurve curve =
      find_learning_rate(Weights<Net>(1), train, sought, {.from = 1e-5, .to = 1.0, .steps = 80});
  std::printf("%zu points of rate and loss, to draw them\n", curve.points.size());
  sought.optimizer.learning_rate = static_cast<float>(curve.suggestion);
  // [finder]
  CHECK(curve.suggestion > 0);
}
