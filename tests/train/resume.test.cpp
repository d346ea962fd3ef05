// Runs that are interrupted in the middle of an epoch, and the folder that they go on in.
#include <captcha/train.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "toys.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <vector>

using namespace captcha;
using toys::Halves, toys::Tiny;

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

using Metrics = std::tuple<Accuracy, TopK<2>, ConfusionMatrix>;
using Options = FitOptions<AdamW, CrossEntropy, Metrics>;

/// Three epochs of ten steps, with everything on that keeps a state.
Options busy(const fs::path& folder) {
  return {.epochs = 3,
          .batch_size = 4,
          .optimizer = {.learning_rate = 1e-2f},
          .clip_norm = 1,
          .average_decay = 0.9,
          .threads = 1,
          .seed = 9,
          .run = folder,
          .resume = true,
          .checkpoint_steps = 4};
}

struct StopAtStep {
  std::size_t step;
  void on_step(TrainingState& state) const { state.stop = state.step >= step; }
};

FitResult run(const Options& options, std::size_t stop = 1000) {
  Weights<Tiny> weights(3);
  return fit(weights, Halves{}, Halves{20}, options, StopAtStep{stop});
}

std::vector<std::string> checkpoint_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::path& path : checkpoints_of(folder)) names.push_back(path.filename().string());
  return names;
}

/// A metric without a state.
struct Count {
  static constexpr bool more_is_better = true;
  std::size_t samples = 0;
  void add(Outputs<const float>, std::span<const int> targets) { samples += targets.size(); }
  double value() const { return static_cast<double>(samples); }
  std::string name() const { return "samples"; }
};

/// A metric that begins as infinity.
struct Largest {
  static constexpr bool more_is_better = true;
  double most = -std::numeric_limits<double>::infinity();
  void add(Outputs<const float> outputs, std::span<const int>) {
    for (const float value : outputs.values) most = std::max(most, static_cast<double>(value));
  }
  double value() const { return most; }
  std::string name() const { return "largest"; }
  std::vector<double> state() const { return {most}; }
  void restore(const std::vector<double>& numbers) { most = numbers.at(0); }
};

/// All but the times.
void check_same(const FitResult& a, const FitResult& b) {
  CHECK(a.best == b.best);
  CHECK(a.best_epoch == b.best_epoch);
  REQUIRE(a.history.size() == b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i)
    for (const auto& [name, value] : a.history[i].values)
      if (name != "seconds" && name != "images_per_second") CHECK(value == b.history[i][name]);
}

}  // namespace

TEST_CASE("a run stopped after any step goes on as if it had not stopped") {
  const TemporaryFolder folder;
  const FitResult whole = run(busy(folder.path / "whole"));
  const std::string final = content(folder.path / "whole/final.safetensors");
  REQUIRE(whole.step == 30);
  for (std::size_t stop = 1; stop <= 30; ++stop) {
    INFO("stopped after step " << stop);
    const fs::path part = folder.path / std::to_string(stop);
    CHECK(run(busy(part), stop).step == stop);
    CHECK_FALSE(fs::exists(part / "final.safetensors"));
    const FitResult rest = run(busy(part));
    CHECK_THAT(rest.resumed, Catch::EndsWith("-000000" + std::string(stop < 10 ? "0" : "") +
                                             std::to_string(stop) + ".safetensors"));
    check_same(whole, rest);
    CHECK(content(part / "final.safetensors") == final);
  }
}

TEST_CASE("a run with several heads stopped after any step goes on as if it had not stopped") {
  /// Two classes a sample: which half is brighter, and which kind of number the sample has.
  struct TwoHeads : Halves {
    std::array<int, 2> get(std::size_t index, std::span<float> pixels, Random& random) const {
      const int half = Halves::get(index, pixels, random);
      for (float& pixel : pixels) pixel *= index % 4 < 2 ? 1.0f : 0.5f;
      return {half, index % 4 < 2 ? 1 : 0};
    }
  };
  using Net = Chain<Named<"conv", Conv2d<1, 4, Conv{.stride = 2, .padding = 1}>>, ReLU, Flatten,
                    Named<"fc", Linear<64, 4>>>;
  const TemporaryFolder folder;
  const auto go = [&](const fs::path& path, std::size_t stop) {
    Weights<Net> weights(3);
    return fit(weights, TwoHeads{}, TwoHeads{{20}},
               FitOptions<AdamW, MeanOverHeads<>, std::tuple<ExactMatch, OverHeads<Accuracy>>>{
                   .epochs = 2,
                   .batch_size = 4,
                   .optimizer = {.learning_rate = 1e-2f},
                   .threads = 1,
                   .run = path,
                   .resume = true},
               StopAtStep{stop});
  };
  const FitResult whole = go(folder.path / "whole", 1000);
  REQUIRE(whole.step == 20);
  for (const std::size_t stop : {1u, 7u, 10u, 13u, 19u}) {
    INFO("stopped after step " << stop);
    const fs::path part = folder.path / std::to_string(stop);
    CHECK(go(part, stop).step == stop);
    check_same(whole, go(part, 1000));
    CHECK(content(part / "final.safetensors") == content(folder.path / "whole/final.safetensors"));
  }
}

TEST_CASE("a run may be stopped again and again, with batches that are collected") {
  const TemporaryFolder folder;
  const auto collecting = [&](const char* name) {
    Options options = busy(folder.path / name);
    options.accumulate = 3;
    options.patience = 2;
    return options;
  };
  const FitResult whole = run(collecting("whole"));
  FitResult last;
  for (std::size_t stop = 2; stop <= 30; stop += 5) {
    last = run(collecting("parts"), stop);
    // What was collected is used first: a run stops after steps that moved the weights.
    const std::size_t within = last.step % 10;
    CHECK((last.stopped_early || within % 3 == 0));
  }
  last = run(collecting("parts"));
  check_same(whole, last);
  CHECK(content(folder.path / "whole/final.safetensors") == content(folder.path / "parts/final.safetensors"));
}

TEST_CASE("the last checkpoints are kept, and nothing else is touched") {
  const TemporaryFolder folder;
  const fs::path run_folder = folder.path / "run";
  fs::create_directories(run_folder);
  const std::vector<std::string> foreign{"checkpoint-00000001.safetensors.bak", "checkpoint-x.safetensors",
                                         "notes.txt"};
  for (const std::string& name : foreign) std::ofstream(run_folder / name) << "mine";
  Options options = busy(run_folder);
  run(options, 17);
  CHECK(checkpoint_names(run_folder) ==
        std::vector<std::string>{"checkpoint-00000017.safetensors", "checkpoint-00000014.safetensors"});
  options.keep = 3;
  run(options, 22);
  CHECK(checkpoint_names(run_folder) == std::vector<std::string>{"checkpoint-00000022.safetensors",
                                                                 "checkpoint-00000020.safetensors",
                                                                 "checkpoint-00000017.safetensors"});
  options.keep = 1;
  run(options);
  CHECK(checkpoint_names(run_folder) == std::vector<std::string>{"checkpoint-00000030.safetensors"});
  for (const std::string& name : foreign) CHECK(content(run_folder / name) == "mine");
  CHECK_FALSE(fs::exists(run_folder / "lock"));
}

TEST_CASE("a damaged checkpoint is named, and the one before it is gone on from") {
  const TemporaryFolder folder;
  const FitResult whole = run(busy(folder.path / "whole"));
  const fs::path part = folder.path / "part";
  run(busy(part), 17);
  std::string bytes = content(part / "checkpoint-00000017.safetensors");
  bytes[bytes.size() - 9] ^= 16;
  std::ofstream(part / "checkpoint-00000017.safetensors", std::ios::binary) << bytes;
  const FitResult rest = run(busy(part));
  REQUIRE(rest.warnings.size() == 1);
  CHECK_THAT(rest.warnings[0],
             Catch::Contains("checkpoint-00000017.safetensors") && Catch::Contains("wrong hash"));
  CHECK_THAT(rest.resumed, Catch::EndsWith("checkpoint-00000014.safetensors"));
  check_same(whole, rest);
  CHECK(content(part / "final.safetensors") == content(folder.path / "whole/final.safetensors"));

  for (const fs::path& path : checkpoints_of(part)) std::ofstream(path) << "nothing";
  CHECK_THROWS_WITH(run(busy(part)), Catch::Contains("checkpoint-00000030.safetensors") &&
                                         Catch::Contains("no other checkpoint"));
}

TEST_CASE("a long epoch is saved every so many steps, whatever number of batches makes an update") {
  /// The steps at which a run was saved within its only epoch.
  struct Saved {
    const fs::path& folder;
    std::vector<std::size_t> at{};
    void on_step(const TrainingState& state) {
      const std::vector<std::string> names = checkpoint_names(folder);
      char own[40];
      std::snprintf(own, sizeof own, "checkpoint-%08zu.safetensors", state.step);
      if (!names.empty() && names.front() == own) at.push_back(state.step);
    }
  };
  const TemporaryFolder folder;
  const auto saved = [&](std::size_t accumulate) {
    const fs::path run = folder.path / std::to_string(accumulate);
    Weights<Tiny> weights(3);
    FitOptions<> options{.epochs = 1, .batch_size = 2, .threads = 1, .run = run, .checkpoint_steps = 5};
    options.accumulate = accumulate;
    Saved seen{run};
    fit(weights, Halves{}, options, seen);
    return seen.at;
  };
  CHECK(saved(1) == std::vector<std::size_t>{5, 10, 15});
  CHECK(saved(3) == std::vector<std::size_t>{6, 12, 18});
  CHECK(saved(7) == std::vector<std::size_t>{7, 14});
}

TEST_CASE("a run does not go on with another optimizer, loss, schedule, metric or way of judging") {
  const TemporaryFolder folder;
  const auto go = [&](const char* name, const auto& options, bool judges = true) {
    auto own = options;
    own.epochs = 20;
    own.batch_size = 10;
    own.threads = 1;
    own.run = folder.path / name;
    own.resume = true;
    Weights<Tiny> weights(3);
    if (judges)
      fit(weights, Halves{}, Halves{20}, own, StopAtStep{2});
    else
      fit(weights, Halves{}, own, StopAtStep{2});
  };
  const auto refuses = [&](const char* name, const auto& options, const std::string& what,
                           bool judges = true) {
    INFO(what);
    CHECK_THROWS_WITH(go(name, options, judges), Catch::Contains("other options (" + what));
  };
  using Sgd = FitOptions<SGD>;
  const Sgd sgd{.optimizer = {.learning_rate = 0.1f}};
  go("sgd", sgd);
  CHECK_NOTHROW(go("sgd", sgd));
  Sgd other = sgd;
  other.optimizer.momentum = 0.1f;
  refuses("sgd", other, "then momentum 0.9; now momentum 0.1");
  other = sgd;
  other.optimizer.nesterov = true;
  refuses("sgd", other, "then nesterov 0; now nesterov 1");
  other = sgd;
  other.loss.label_smoothing = 0.5f;
  refuses("sgd", other, "then label smoothing 0; now label smoothing 0.5");
  other = sgd;
  other.loss.class_weights = {1, 2};
  refuses("sgd", other, "then nothing else; now class weight 1, class weight 2");
  refuses("sgd", sgd, "then validation samples 20; now validation samples 0", false);
  refuses("sgd", FitOptions<SGD, CrossEntropy, std::tuple<ConfusionMatrix>>{.optimizer = sgd.optimizer},
          "then metric accuracy; now metric balanced_accuracy");
  refuses("sgd", FitOptions<SGD, CrossEntropy, std::tuple<>>{.optimizer = sgd.optimizer},
          "then metric accuracy; now nothing else");

  const FitOptions<> adamw{.schedule = StepRate{12, 0.1}};
  go("adamw", adamw);
  refuses("adamw", FitOptions<Adam>{.optimizer = {.weight_decay = 1e-2f}, .schedule = adamw.schedule},
          "then optimizer AdamW; now optimizer Adam");
  FitOptions<> changed = adamw;
  changed.optimizer.beta1 = 0.8f;
  refuses("adamw", changed, "then beta1 0.9; now beta1 0.8");
  changed = adamw;
  changed.schedule = StepRate{12, 0.5};
  refuses("adamw", changed, "then schedule 0.1");
  changed.schedule = ConstantRate{};
  refuses("adamw", changed, "then schedule 0.1");
  // Another processor may compute the same schedule with other last bits.
  changed.schedule = [](Progress progress) { return StepRate{12, 0.1}(progress) * (1 + 1e-15); };
  CHECK_NOTHROW(go("adamw", changed));
}

TEST_CASE("a schedule is asked for the steps of the run and no others") {
  const TemporaryFolder folder;
  for (const std::size_t accumulate : {1u, 3u}) {
    std::size_t most = 0, total = 0;
    FitOptions<> options{.epochs = 2, .batch_size = 8, .threads = 1};
    options.schedule = [&](Progress progress) {
      most = std::max(most, progress.step);
      total = progress.total;
      return 1.0;
    };
    options.accumulate = accumulate;
    options.run = folder.path / std::to_string(accumulate);
    Weights<Tiny> weights(3);
    fit(weights, Halves{}, options);
    CHECK(total == (accumulate == 1 ? 10 : 4));
    CHECK(most + 1 == total);
  }
}

TEST_CASE("a metric that keeps an extreme goes on from it, though it begins as infinity") {
  static_assert(KeepsState<Largest>);
  const TemporaryFolder folder;
  const auto go = [&](const char* name, std::size_t stop) {
    Weights<Tiny> weights(3);
    return fit(weights, Halves{},
               FitOptions<AdamW, CrossEntropy, std::tuple<Largest>>{
                   .epochs = 2, .batch_size = 4, .threads = 1, .run = folder.path / name, .resume = true},
               StopAtStep{stop});
  };
  const FitResult whole = go("whole", 1000);
  go("parts", 10);  // the end of an epoch, where nothing is counted yet
  check_same(whole, go("parts", 1000));
}

TEST_CASE("a metric that cannot be saved only keeps a run from being saved within an epoch") {
  static_assert(!KeepsState<Count> && KeepsState<Accuracy> && KeepsState<ConfusionMatrix>);
  const TemporaryFolder folder;
  const FitOptions<AdamW, CrossEntropy, std::tuple<Count>> options{.epochs = 2,
                                                                   .batch_size = 4,
                                                                   .threads = 1,
                                                                   .run = folder.path / "run",
                                                                   .resume = true,
                                                                   .checkpoint_steps = 4};
  Weights<Tiny> weights(3);
  fit(weights, Halves{}, options, StopAtStep{15});
  CHECK(checkpoint_names(options.run) == std::vector<std::string>{"checkpoint-00000010.safetensors"});
  CHECK(fit(weights, Halves{}, options).history.back()["train_samples"] == 40);
}

TEST_CASE("one run at a time in a folder") {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path);
    CHECK_THROWS_WITH(run(busy(folder.path)),
                      Catch::Contains(folder.path.string()) &&
                          Catch::Contains("in use by process " + std::to_string(::getpid())));
  }
  CHECK_FALSE(fs::exists(folder.path / "lock"));
  std::ofstream(folder.path / "lock") << "999999\n";  // of a process that died
  CHECK(run(busy(folder.path)).step == 30);
  CHECK_FALSE(fs::exists(folder.path / "lock"));
  CHECK_THROWS_WITH(FolderLock(folder.path / "nowhere"),
                    Catch::Contains("nowhere: cannot be locked: No such file"));
}

TEST_CASE("a signal ends the run after its step, and what was there before is back afterwards") {
  struct Raise {
    void on_step(const TrainingState& state) const {
      if (state.step == 13) std::raise(SIGTERM);
    }
  };
  const TemporaryFolder folder;
  const FitResult whole = run(busy(folder.path / "whole"));
  const auto handler = [] {
    struct sigaction now {};
    ::sigaction(SIGTERM, nullptr, &now);
    return now.sa_handler;
  };
  const auto before = handler();
  Weights<Tiny> weights(3);
  {
    const StopOnSignal stop;
    const FitResult stopped = fit(weights, Halves{}, Halves{20}, busy(folder.path / "part"), Raise{}, stop);
    CHECK(stopped.step == 13);
    CHECK(StopOnSignal::received() == SIGTERM);
  }
  CHECK(handler() == before);
  check_same(whole, run(busy(folder.path / "part")));
}
