// The subcommands of `captcha`: what each is told, and what it does. Each lives in a file of its own name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace captcha::app {

struct TrainArguments {
  std::filesystem::path data;
  std::filesystem::path val_data;
  std::filesystem::path out = "runs/latest";
  std::filesystem::path pretrained;
  std::string freeze = "none";
  std::string group = "source";
  std::string on_bad_image = "fail";
  double val_fraction = 0.05;
  std::size_t epochs = 0;  ///< 0: as many as show the network `images_shown` images
  std::size_t batch = 64;
  double learning_rate = 2e-3;
  double weight_decay = 0.05;
  double label_smoothing = 0.05;
  double mixup = 0;
  double average = 0;
  double clip = 0;
  std::size_t patience = 0;
  std::size_t checkpoint_steps = 1000;
  std::size_t keep = 2;
  bool augment = true;
  bool resize = false;
  bool resume = false;
  bool quiet = false;
  int threads = 0;
  int loader_threads = 1;
  std::uint64_t seed = 1;
};
/// Images that a training run shows the network unless told how many epochs to run.
inline constexpr std::size_t images_shown = 100'000;

struct EvaluateArguments {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path sheet;
  bool json = false;
  bool resize = false;
  int threads = 0;
};

struct PredictArguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> files;
  bool json = false;
  bool draw = false;
  bool resize = false;
  int threads = 0;
};

struct BenchArguments {
  int threads = 1;
  std::size_t batch = 64;
  double seconds = 5;
  bool json = false;
};

struct CheckArguments {
  std::filesystem::path data;
  bool json = false;
};

/// Each returns the exit code: 0 for success, 1 when the data was not all in order, 128 + its number when a
/// signal ended it. Errors are thrown.
/// `started` is called once the data are in order and the folder of the run exists.
int train(const TrainArguments& arguments, const std::function<void()>& started);
int evaluate(const EvaluateArguments& arguments);
int predict(const PredictArguments& arguments);
int summary(const std::filesystem::path& model);
int bench(const BenchArguments& arguments);
int check(const CheckArguments& arguments);

}  // namespace captcha::app
