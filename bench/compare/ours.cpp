// ResNet-18 in captcha, for bench/compare/run: the same network, weights and numbers as the other programs.
#include <captcha/data/batch.hpp>
#include <captcha/data/png.hpp>
#include <captcha/io/packed_file.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/step.hpp>

#include "common.hpp"
#include <CLI/CLI.hpp>
#include <cblas.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace captcha;
using nlohmann::json;

constexpr int classes = 20;
constexpr Shape character = chw(1, 52, 32);
using Network = ResNet18<classes, 1>;

struct Options {
  std::string weights;
  int batch = 1;
  int threads = 1;
  double seconds = 0;
  bool narrow = false;
};

std::vector<float> images(int batch) {
  std::vector<float> values(static_cast<std::size_t>(batch) * character.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = image_value(i);
  return values;
}

json train(const Options& options) {
  Weights<Network> weights(1);
  load_weights(options.weights, weights);
  const SGD sgd{.learning_rate = 1e-4f, .momentum = 0.9f, .weight_decay = 5e-4f};
  // Norms and biases decay too, as PyTorch's do.
  auto step = training_step<character>(weights, static_cast<std::size_t>(options.batch), CrossEntropy{}, sgd,
                                       {.decay_all = true});
  const std::vector<float> pixels = images(options.batch);
  Batch<float, int> batch(character, static_cast<std::size_t>(options.batch));
  std::vector<float> staging(Batch<float, int>::staged * character.size());
  std::vector<std::size_t> indices(static_cast<std::size_t>(options.batch));
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  Workers workers(options.threads);
  std::size_t steps = 0;
  const auto run = [&] {
    batch.fill(indices, std::span(staging), [&](std::size_t index, std::span<float> to) {
      std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(index * character.size()), to.size(),
                  to.begin());
      return static_cast<int>(index) % classes;
    });
    return step.run(weights, batch, steps++, 1.0, workers);
  };
  json result;
  for (int i = 0; i < 3; ++i) result["losses"].push_back(run());
  if (options.seconds > 0) result["seconds"] = repeat_for(options.seconds, run);
  return result;
}

/// With weights kept as T.
template <class T>
json predict(const Options& options) {
  Weights<Network> weights = Weights<Network>::zeros();
  load_weights(options.weights, weights);
  const auto packed = pack<character, T>(weights);
  Inference<Network, character> inference(options.batch);
  const std::vector<float> pixels = images(options.batch);
  const auto samples = static_cast<std::size_t>(options.batch);
  std::vector<float> input(pixels.size());
  Workers workers(options.threads);
  const auto run = [&] {
    interleave<float>(pixels, character, samples, input.data(), 0, samples);
    return inference(packed, input.data(), options.batch, workers);
  };
  json result;
  const auto outputs = run();
  for (std::size_t c = 0; c < classes; ++c) result["outputs"].push_back(outputs[c * samples]);
  if (options.seconds > 0) {
    for (int i = 0; i < 3; ++i) run();
    result["seconds"] = repeat_for(options.seconds, run);
  }
  return result;
}

/// Random weights for everyone, and beside them the same packed and a picture.
json initialise(const Options& options) {
  const Weights<Network> weights(1);
  save_weights(options.weights, weights);
  save_packed(std::filesystem::path(options.weights).replace_extension(".packed"), pack<character>(weights));
  Image picture{character.height, character.width, 1, {}};
  for (std::size_t i = 0; i < character.size(); ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7919 % 251));
  write_png(std::filesystem::path(options.weights).replace_extension(".png"), picture);
  return json::object();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("ResNet-18 in captcha, for the comparison with others");
  std::string task;
  Options options;
  app.add_option("task", task)->required()->check(CLI::IsMember({"train", "predict", "initialise"}));
  app.add_option("--weights", options.weights)->required();
  app.add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds);
  app.add_flag("--bfloat16", options.narrow, "Weights of prediction");
  CLI11_PARSE(app, argc, argv);

  json result = task == "train"        ? train(options)
                : task == "initialise" ? initialise(options)
                : options.narrow       ? predict<BFloat16>(options)
                                       : predict<float>(options);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result["peak_memory"] = usage.ru_maxrss * 1024;
  result["version"] = std::string("with registers of ") + std::to_string(register_bytes()) +
                      " bytes, OpenBLAS " + openblas_get_corename();
  std::cout << result << '\n';
}
