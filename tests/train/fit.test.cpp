#include <captcha/train.hpp>

#include "catch.hpp"
#include "toys.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

using namespace captcha;
using toys::Folder, toys::Halves, toys::Narrow, toys::RandomLabels, toys::Tiny;

namespace {

template <class Net>
bool same(const Weights<Net>& a, const Weights<Net>& b) {
  return std::ranges::equal(a.parameters(), b.parameters()) && std::ranges::equal(a.buffers(), b.buffers());
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

const FitOptions<> quick{
    .epochs = 3, .batch_size = 8, .optimizer = {.learning_rate = 1e-2f}, .threads = 1, .seed = 9};

struct StopAfter {
  std::size_t epoch;
  void on_epoch_end(TrainingState& state) const { state.stop = state.epoch == epoch; }
};

/// As Halves, but without new noise in every epoch.
struct RandomHalves : Halves {
  int get(std::size_t index, std::span<float> pixels) const {
    Random random(1, Purpose::test, 0, index);
    return Halves::get(index, pixels, random);
  }
};

/// Two classes that have names.
struct NamedClasses {
  static constexpr Shape shape = flat(2);
  std::vector<std::string> names;
  std::size_t size() const { return 8; }
  int get(std::size_t index, std::span<float> x) const {
    x[0] = static_cast<float>(index);
    x[1] = 1;
    return static_cast<int>(index % 2);
  }
  const std::vector<std::string>& classes() const { return names; }
};

/// `options` with something changed.
template <class Change>
FitOptions<> but(FitOptions<> options, Change change) {
  change(options);
  return options;
}

}  // namespace

TEST_CASE("a narrow ResNet-18 learns 64 random labels by heart") {
  Weights<Narrow> weights(1);
  const FitResult result =
      fit(weights, RandomLabels{}, {.epochs = 40, .batch_size = 16, .optimizer = {.learning_rate = 5e-3f}});
  CHECK(result.history.back()["train_accuracy"] == 1.0);
  std::tuple<Accuracy> metrics;
  Workers workers(1);
  evaluate(weights, RandomLabels{}, CrossEntropy{}, metrics, {}, workers);
  CHECK(std::get<0>(metrics).value() == 1.0);
}

TEST_CASE("the same seed gives the same bits, for any number of threads of either kind") {
  const auto train = [](int threads, int loader_threads, std::uint64_t seed) {
    Weights<Tiny> weights(2);
    fit(weights, Halves{}, but(quick, [&](auto& o) {
          o.threads = threads;
          o.loader_threads = loader_threads;
          o.seed = seed;
        }));
    return weights;
  };
  const Weights<Tiny> once = train(1, 0, 9);
  CHECK(same(once, train(1, 0, 9)));
  CHECK_FALSE(same(once, train(1, 0, 10)));
  for (const int threads : {2, 3, 4, 7}) CHECK(same(once, train(threads, threads - 1, 9)));

  const auto deep = [](int threads) {
    Weights<Narrow> weights(2);
    fit(weights, RandomLabels{24}, but(quick, [&](auto& o) { o.threads = threads; }));
    return weights;
  };
  const Weights<Narrow> alone = deep(1);
  for (const int threads : {2, 4}) CHECK(same(alone, deep(threads)));
}

TEST_CASE("a run that stops after an epoch goes on as if it had not stopped") {
  const Folder whole("fit-whole"), halves("fit-halves");
  const auto options = but(quick, [](auto& o) {
    o.epochs = 4;
    o.average_decay = 0.9;
  });
  Weights<Tiny> uninterrupted(3);
  const FitResult full =
      fit(uninterrupted, Halves{}, Halves{20}, but(options, [&](auto& o) { o.run = whole.path; }));

  const auto in_parts = but(options, [&](auto& o) {
    o.run = halves.path;
    o.resume = true;
  });
  Weights<Tiny> first(3);
  fit(first, Halves{}, Halves{20}, in_parts, StopAfter{2});
  Weights<Tiny> second(77);  // whatever it starts from, the checkpoint decides
  const FitResult rest = fit(second, Halves{}, Halves{20}, in_parts);

  CHECK(same(uninterrupted, second));
  CHECK(text_of(whole.path / "final.safetensors") == text_of(halves.path / "final.safetensors"));
  CHECK(rest.best == full.best);
  REQUIRE(rest.history.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    for (const char* name : {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"})
      CHECK(rest.history[i][name] == full.history[i][name]);
}

TEST_CASE("a run's folder is not taken over by mistake") {
  const Folder folder("fit-folder");
  Weights<Tiny> weights(3);
  auto options = but(quick, [&](auto& o) { o.run = folder.path; });
  fit(weights, Halves{}, options);
  const auto newest = checkpoints_of(folder.path).front();
  const std::string before = text_of(newest);
  CHECK_THROWS_WITH(fit(weights, Halves{}, options), Catch::Contains("holds a run already"));
  options.resume = true;
  const auto refuses = [&](auto change, const std::string& what) {
    CHECK_THROWS_WITH(fit(weights, Halves{}, but(options, change)),
                      Catch::Contains("other options (" + what + ")"));
  };
  refuses([](auto& o) { o.seed = 8; }, "then seed 9; now seed 8");
  refuses([](auto& o) { o.batch_size = 4; }, "then batch size 8; now batch size 4");
  refuses([](auto& o) { o.optimizer.weight_decay = 0.5f; }, "then weight decay 0.01; now weight decay 0.5");
  refuses([](auto& o) { o.groups = {{.prefix = "fc", .frozen = true}}; },
          "then nothing else; now group 'fc', rate 1, decay -1, frozen 1");
  refuses([](auto& o) { o.clip_norm = 1; }, "then clip 0; now clip 1");
  refuses([](auto& o) { o.settings = "noise 0.3"; }, "then nothing else; now noise 0.3");
  CHECK_THROWS_WITH(fit(weights, Halves{}, but(options, [](auto& o) { o.average_decay = 0.9; })),
                    Catch::Contains("holds no averaged weights"));
  CHECK_THROWS_WITH(fit(weights, Halves{},
                        FitOptions<SGD>{.epochs = 3, .batch_size = 8, .run = folder.path, .resume = true}),
                    Catch::Contains(newest.string()));
  CHECK(text_of(newest) == before);
}

TEST_CASE("metrics are written as JSON lines and as CSV, one line an epoch") {
  const Folder folder("fit-metrics");
  Weights<Tiny> weights(3);
  const FitResult result =
      fit(weights, Halves{}, Halves{20}, but(quick, [&](auto& o) { o.run = folder.path; }));
  std::istringstream lines(text_of(folder.path / "metrics.jsonl"));
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    JsonReader reader(line, 10'000, "metrics.jsonl");
    const EpochRecord record = read_record(reader);
    CHECK(record.epoch == count + 1);
    CHECK(record.values == result.history[count].values);
    ++count;
  }
  CHECK(count == 3);
  const std::string table = text_of(folder.path / "metrics.csv");
  CHECK(
      table.starts_with("epoch,step,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,seconds,"
                        "images_per_second\n1,5,"));
  CHECK(std::ranges::count(table, '\n') == 4);
}

TEST_CASE("patience ends a run that does not get better, with its best weights, interrupted or not") {
  const Folder folder("fit-patience");
  const auto patient = but(quick, [](auto& o) {
    o.epochs = 50;
    o.patience = 2;
  });
  struct KeepEach {
    const Weights<Tiny>& weights;
    std::vector<Weights<Tiny>> all{};
    void on_epoch_end(const TrainingState&) { all.push_back(weights); }
  };
  Weights<Tiny> weights(3);
  KeepEach epochs{weights};
  const FitResult result = fit(weights, Halves{}, Halves{20}, patient, epochs);
  CHECK(result.epoch == result.best_epoch + 2);
  CHECK(result.epoch < 50);
  CHECK(result.stopped_early);
  CHECK(same(weights, epochs.all[result.best_epoch - 1]));
  CHECK_FALSE(same(weights, epochs.all.back()));

  // The best epoch lies before the interruption.
  const auto in_parts = but(patient, [&](auto& o) {
    o.run = folder.path;
    o.resume = true;
  });
  Weights<Tiny> again(3);
  fit(again, Halves{}, Halves{20}, in_parts, StopAfter{result.best_epoch + 1});
  fit(again, Halves{}, Halves{20}, in_parts);
  CHECK(same(weights, again));
}

TEST_CASE("gradients of two batches of four are those of one batch of eight") {
  // Without batch norm and with every sample in place, accumulation must change nothing but rounding.
  using Net = Chain<Named<"conv", Conv2d<1, 3>>, ReLU, GlobalAvgPool2d, Named<"fc", Linear<3, 4>>>;
  const auto train = [](std::size_t batch, std::size_t accumulate) {
    Weights<Net> weights(4);
    FitOptions<SGD> options{.epochs = 2,
                            .batch_size = batch,
                            .optimizer = {.learning_rate = 0.1f},
                            .schedule = ConstantRate{},
                            .accumulate = accumulate,
                            .threads = 1};
    fit(weights, RandomLabels{32}, options);
    return weights;
  };
  const Weights<Net> whole = train(8, 1), parts = train(4, 2);
  for (std::size_t i = 0; i < whole.parameters().size(); ++i)
    CHECK(whole.parameters()[i] == Approx(parts.parameters()[i]).margin(1e-6));
}

TEST_CASE("batches that are left over at the end of an epoch are not lost") {
  const auto three_batches = but(quick, [](auto& o) {
    o.epochs = 4;
    o.accumulate = 2;
  });
  Weights<Tiny> whole(3), parts(3);
  fit(whole, Halves{24}, three_batches);
  const Folder folder("fit-accumulate");
  const auto in_parts = but(three_batches, [&](auto& o) {
    o.run = folder.path;
    o.resume = true;
  });
  fit(parts, Halves{24}, in_parts, StopAfter{1});
  fit(parts, Halves{24}, in_parts);
  CHECK(same(whole, parts));

  // More batches to collect than there are: still one update an epoch.
  Weights<Tiny> few(3);
  const Weights<Tiny> before = few;
  fit(few, Halves{24}, but(quick, [](auto& o) {
        o.epochs = 1;
        o.accumulate = 10;
      }));
  CHECK_FALSE(same(few, before));
}

TEST_CASE("a clipped step is no longer than the rate times the limit") {
  Weights<Tiny> weights(4);
  const Weights<Tiny> before = weights;
  FitOptions<SGD> options{.epochs = 1,
                          .batch_size = 40,
                          .optimizer = {.learning_rate = 0.5f, .momentum = 0},
                          .schedule = ConstantRate{},
                          .clip_norm = 1e-3,
                          .threads = 1};
  fit(weights, Halves{}, options);
  double square = 0;
  for (std::size_t i = 0; i < before.parameters().size(); ++i) {
    const double step = static_cast<double>(weights.parameters()[i] - before.parameters()[i]);
    square += step * step;
  }
  CHECK(std::sqrt(square) == Approx(0.5e-3).epsilon(1e-3));
}

TEST_CASE("frozen parameters and running statistics stay as they are") {
  Weights<Tiny> weights(4);
  const Weights<Tiny> before = weights;
  fit(weights, Halves{}, but(quick, [](auto& o) {
        o.groups = {{.prefix = "conv", .frozen = true}, {.prefix = "bn", .frozen = true}};
      }));
  for (const PlacedSlot& slot : Weights<Tiny>::slots()) {
    const bool unchanged = std::ranges::equal(weights.values(slot), before.values(slot));
    CHECK(unchanged == !slot.name.starts_with("fc"));
  }
  CHECK_THROWS_WITH(fit(weights, Halves{}, but(quick, [](auto& o) { o.groups = {{.prefix = "con"}}; })),
                    Catch::Contains("'con'"));
}

TEST_CASE("callbacks have any subset of the hooks and may stop a run") {
  struct Counter {
    std::size_t steps = 0, epochs = 0, ends = 0;
    void on_step(TrainingState& state) {
      ++steps;
      if (steps == 7) state.stop = true;
    }
    void on_epoch_end(const TrainingState&) { ++epochs; }
    void on_end(const TrainingState&) { ++ends; }
  } counter;
  Weights<Tiny> weights(4);
  const FitResult result = fit(weights, Halves{}, quick, counter);
  CHECK(counter.steps == 7);
  CHECK(counter.epochs == 1);
  CHECK(counter.ends == 1);
  CHECK(result.step == 7);
}

TEST_CASE("a loss that is not a number stops the run and leaves the weights as they were") {
  struct Broken : Halves {
    int get(std::size_t index, std::span<float> pixels, Random& random) const {
      const int label = Halves::get(index, pixels, random);
      if (index == 3) pixels[5] = std::numeric_limits<float>::quiet_NaN();
      return label;
    }
  };
  Weights<Tiny> weights(4);
  CHECK_THROWS_WITH(fit(weights, Broken{}, but(quick, [](auto& o) { o.batch_size = 40; })),
                    Catch::Contains("step 1: the input is not a number, or too large; of sample 3;"));
  for (const float value : weights.parameters()) REQUIRE(std::isfinite(value));
}

TEST_CASE("what does not fit is refused in one line") {
  struct Labels : Halves {
    int get(std::size_t index, std::span<float> pixels, Random& random) const {
      Halves::get(index, pixels, random);
      return 2;
    }
  };
  Weights<Tiny> weights(4);
  CHECK_THROWS_WITH(fit(weights, Labels{}, quick), Catch::Contains("class 2, expected 0 to 1"));
  CHECK_THROWS_WITH(fit(weights, Halves{0}, quick), Catch::Contains("empty"));
  CHECK_THROWS_WITH(fit(weights, Halves{}, Halves{0}, quick), Catch::Contains("validation data are empty"));
  const auto refuses = [&](auto change, const char* what) {
    CHECK_THROWS_WITH(fit(weights, Halves{}, but(quick, change)), Catch::Contains(what));
  };
  refuses([](auto& o) { o.epochs = 0; }, "epochs");
  refuses([](auto& o) { o.keep = 0; }, "keep");
  refuses([](auto& o) { o.accumulate = 0; }, "accumulate");
  refuses([](auto& o) { o.optimizer.learning_rate = -1; }, "learning rate");
  refuses([](auto& o) { o.optimizer.weight_decay = -1; }, "weight decay");
  refuses([](auto& o) { o.clip_norm = -1; }, "clip_norm");
  refuses([](auto& o) { o.average_decay = 1; }, "average_decay");
  refuses([](auto& o) { o.loss.label_smoothing = 2; }, "label_smoothing");
  CHECK_THROWS_WITH(find_learning_rate(weights, Labels{}, quick), Catch::Contains("class 2"));

  // Two layers of one name: said before the first epoch, not when the first file is written.
  using Unnamed = Chain<Flatten, Linear<64, 4>, ReLU, Linear<4, 2>>;
  Weights<Unnamed> unnamed(1);
  const Folder folder("fit-unnamed");
  CHECK_THROWS_WITH(fit(unnamed, Halves{}, but(quick, [&](auto& o) { o.run = folder.path; })),
                    Catch::Contains("two layers have a 'weight'") && Catch::Contains("Named"));
  CHECK_FALSE(std::filesystem::exists(folder.path));
  CHECK_THROWS_WITH(save_weights(folder.path / "x.safetensors", unnamed), Catch::Contains("Named"));
}

TEST_CASE("the learning-rate finder leaves the weights alone and suggests a rate inside its range") {
  const Weights<Tiny> weights(4);
  const Weights<Tiny> before = weights;
  const RateCurve curve =
      find_learning_rate(weights, Halves{}, quick, {.from = 1e-4, .to = 1.0, .steps = 40});
  CHECK(same(weights, before));
  REQUIRE(curve.points.size() > 5);
  CHECK(curve.points.front().first == Approx(1e-4));
  CHECK(curve.suggestion > 1e-4);
  CHECK(curve.suggestion <= 1.0);
}

TEST_CASE("the learning-rate finder refuses what fit refuses") {
  struct Broken : Halves {
    int get(std::size_t index, std::span<float> pixels, Random& random) const {
      const int label = Halves::get(index, pixels, random);
      pixels[0] = std::nanf("");
      return label;
    }
  };
  const Weights<Tiny> weights(4);
  CHECK_THROWS_WITH(find_learning_rate(weights, Broken{}, quick),
                    Catch::Contains("the input is not a number"));
  CHECK_THROWS_WITH(find_learning_rate(weights, Halves{0}, quick), Catch::Contains("the data set is empty"));
  CHECK_THROWS_WITH(
      find_learning_rate(weights, Halves{}, but(quick, [](auto& o) { o.optimizer.learning_rate = 0; })),
      Catch::Contains("the learning rate must be positive"));
}

TEST_CASE("the average follows updates, not batches, and the last one of an epoch too") {
  const auto train = [](std::size_t batch_size, std::size_t accumulate, double decay) {
    // Without a norm and dropout four batches of 4 are as good as one of 16, up to rounding.
    using Plain = Chain<Flatten, Linear<64, 2>>;
    Weights<Plain> weights(2);
    fit(weights, RandomHalves{{32}}, but(quick, [&](auto& o) {
          o.epochs = 1;
          o.batch_size = batch_size;
          o.accumulate = accumulate;
          o.average_decay = decay;
          o.schedule = ConstantRate{};
        }));
    return weights;
  };
  const auto apart = [](const auto& a, const auto& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.parameters().size(); ++i)
      most = std::max(most, std::abs(static_cast<double>(a.parameters()[i] - b.parameters()[i])));
    return most;
  };
  CHECK(apart(train(16, 1, 0), train(4, 4, 0)) < 1e-5);
  CHECK(apart(train(16, 1, 0.9), train(4, 4, 0.9)) < 1e-5);
  CHECK(apart(train(16, 1, 0.9), train(16, 1, 0)) > 1e-3);
  // All batches of the epoch make one update, at its end: the average moves by 9/11 of it.
  const auto before = Weights<Chain<Flatten, Linear<64, 2>>>(2);
  const double whole = apart(train(16, 100, 0), before), averaged = apart(train(16, 100, 0.9), before);
  CHECK(averaged == Approx(whole * 9 / 11).epsilon(1e-4));
}

TEST_CASE("training and validation data must number their classes alike") {
  Weights<Linear<2, 3>> weights(1);
  const auto options = but(quick, [](auto& o) { o.epochs = 1; });
  CHECK_THROWS_WITH(fit(weights, NamedClasses{{"a", "b", "c"}}, NamedClasses{{"a", "c"}}, options),
                    Catch::Contains("class 1 is 'b' in the training data and 'c' in the validation data"));
  CHECK_NOTHROW(fit(weights, NamedClasses{{"a", "b", "c"}}, NamedClasses{{"a", "b", "c"}}, options));
  CHECK_NOTHROW(fit(weights, NamedClasses{{"a", "b", "c"}}, NamedClasses{{"a", "b"}}, options));
  CHECK_NOTHROW(fit(weights, NamedClasses{{"a", "b", "c"}}, NamedClasses{}, options));
}

TEST_CASE("options out of their range are refused") {
  Weights<Tiny> weights(1);
  const auto refuses = [&](auto change, const char* what) {
    CHECK_THROWS_WITH(fit(weights, Halves{}, but(quick, change)), Catch::Contains(what));
  };
  refuses([](auto& o) { o.schedule = nullptr; }, "the schedule is empty");
  refuses([](auto& o) { o.groups = {{.prefix = "", .rate = -1}}; }, "must not be negative");
  refuses([](auto& o) { o.groups = {{.prefix = "fc", .weight_decay = -1.0f}}; }, "must not be negative");
  refuses([](auto& o) { o.groups = {{.prefix = "bn.running_mean", .frozen = true}}; },
          "'bn.running_mean': no parameter's name begins so; the first one is 'conv.weight'");
  CHECK_THROWS_WITH(training_step<Halves::shape>(weights, 8, CrossEntropy{}, AdamW{}, {.accumulate = 0}),
                    Catch::Contains("accumulate must be at least 1"));
}
