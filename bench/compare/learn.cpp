// How soon a network drawn at random reads real characters, for bench/compare/run --learn. `prepare` draws
// the training images and writes every batch of every epoch and the first weights, so that another library
// can learn from the same; `train` learns as `captcha train` does, decoding and augmenting included.
#include <captcha/train.hpp>

#include "augmented.hpp"
#include "characters.hpp"
#include "generate.hpp"
#include "training.hpp"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace captcha;
using namespace captcha::app;

struct Options {
  std::filesystem::path folder, real;
  std::size_t images = 8000, epochs = 8;
  int threads = 1;
  std::uint64_t seed = 1;
};
const TrainingArguments recipe;  // the defaults of `captcha train`

std::filesystem::path drawn(const Options& options) {
  return options.folder / ("drawn-" + std::to_string(options.seed));
}

template <class T>
void append(std::ofstream& out, std::span<const T> values) {
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

/// Appends a batch as (N, C, H, W) values to one file and as class numbers to another.
template <class Batch>
void append_batch(std::ofstream& inputs, std::ofstream& targets, const Batch& batch) {
  const std::size_t samples = batch.size();
  const auto in = batch.inputs();
  static_assert(character.channels == 1);
  std::vector<float> sample(character.size());
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = in[i * samples + n];
    append(inputs, std::span<const float>(sample));
  }
  append(targets, batch.targets());
}

/// The batches of `epochs` epochs as NAME.inputs (float32) and NAME.targets (int32).
template <class Data>
void write_batches(const Options& options, const std::string& name, const Data& data, bool shuffle,
                   std::size_t epochs) {
  std::ofstream inputs(options.folder / (name + ".inputs"), std::ios::binary);
  std::ofstream targets(options.folder / (name + ".targets"), std::ios::binary);
  inputs.exceptions(std::ios::failbit | std::ios::badbit);
  targets.exceptions(std::ios::failbit | std::ios::badbit);
  // As fit has them: the order and the augmentation hang on the seed and the epoch alone.
  const Loader loader(
      data, {.batch_size = recipe.batch, .shuffle = shuffle, .seed = options.seed, .drop_last = shuffle});
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (const auto& batch : loader.epoch(epoch)) append_batch(inputs, targets, batch);
}

void prepare(const Options& options) {
  std::filesystem::remove_all(drawn(options));
  generate({.out = drawn(options), .count = options.images, .seed = options.seed});
  write_batches(options, "train", augmented(open_characters(drawn(options))), true, options.epochs);
  write_batches(options, "real", map(open_characters(options.real), Standardise{}), false, 1);
  save_weights(options.folder / "first.safetensors", Weights<Network>(options.seed));
}

/// Notes the time and the accuracy after every epoch.
struct Note {
  nlohmann::json& history;
  std::chrono::steady_clock::time_point start;
  void on_epoch_end(const TrainingState& state) const {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    history.push_back({{"seconds", elapsed.count()}, {"accuracy", state.history.back()["val_accuracy"]}});
  }
};

void train(const Options& options) {
  nlohmann::json result;
  Weights<Network> weights(options.seed);
  const auto start = std::chrono::steady_clock::now();
  fit(weights, augmented(open_characters(drawn(options))), map(open_characters(options.real), Standardise{}),
      {.epochs = options.epochs,
       .batch_size = recipe.batch,
       .optimizer = AdamW{.learning_rate = static_cast<float>(recipe.learning_rate),
                          .weight_decay = static_cast<float>(recipe.weight_decay)},
       .loss = {.label_smoothing = static_cast<float>(recipe.label_smoothing)},
       .schedule = OneCycle{},
       .threads = options.threads,
       .seed = options.seed},
      Note{result["history"], start});
  std::cout << result << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("How soon captcha reads real characters, for the comparison with others");
  std::string task;
  Options options;
  app.add_option("task", task)->required()->check(CLI::IsMember({"prepare", "train"}));
  app.add_option("--folder", options.folder, "for everything written")->required();
  app.add_option("--real", options.real, "folder of real characters")->required();
  app.add_option("--images", options.images, "to draw");
  app.add_option("--epochs", options.epochs);
  app.add_option("--threads", options.threads);
  app.add_option("--seed", options.seed);
  CLI11_PARSE(app, argc, argv);
  task == "prepare" ? prepare(options) : train(options);
} catch (const std::exception& error) {
  std::cerr << "compare_learn: " << error.what() << '\n';
  return 1;
}
