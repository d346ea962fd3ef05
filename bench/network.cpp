// Whole training steps and predictions of ResNet-18 on 1 x 52 x 32 images, in images per second, and what
// comes before the first prediction.
#include <captcha/io/packed_file.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/models/resnet.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/step.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <filesystem>
#include <numeric>
#include <span>
#include <vector>

namespace {

using namespace captcha;

constexpr Shape character = chw(1, 52, 32);
using Network = ResNet18<20, 1>;

/// A batch of noise.
Batch<float, int> noise(std::size_t samples) {
  Batch<float, int> batch(character, samples);
  std::vector<float> staging(Batch<float, int>::staged * character.size());
  std::vector<std::size_t> indices(samples);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  batch.fill(indices, std::span(staging), [](std::size_t index, std::span<float> pixels) {
    Random random(1, Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = random.normal();
    return static_cast<int>(index % 20);
  });
  return batch;
}

template <class O>
void train(benchmark::State& state, O optimizer) {
  const auto samples = static_cast<std::size_t>(state.range(0));
  const Batch<float, int> batch = noise(samples);
  Weights<Network> weights(1);
  auto step = training_step<character>(weights, samples, CrossEntropy{}, optimizer);
  Workers workers(static_cast<int>(state.range(1)));
  std::size_t number = 0;
  for (auto _ : state) step.run(weights, batch, number++, 1.0, workers);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Kept>
void predict(benchmark::State& state) {
  const int samples = static_cast<int>(state.range(0));
  const Batch<float, int> batch = noise(static_cast<std::size_t>(samples));
  const auto weights = pack<character, Kept>(Weights<Network>(1));
  Inference<Network, character> inference(samples);
  Workers workers(static_cast<int>(state.range(1)));
  for (auto _ : state) inference(weights, batch.inputs().data(), samples, workers);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// A file that is gone with it.
struct TemporaryFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "captcha_bench_network.safetensors";
  ~TemporaryFile() { std::filesystem::remove(path); }
};

void read_weights(benchmark::State& state) {
  const TemporaryFile file;
  save_weights(file.path, Weights<Network>(1));
  auto weights = Weights<Network>::zeros();
  for (auto _ : state) load_weights(file.path, weights);
}

void pack_weights(benchmark::State& state) {
  const Weights<Network> weights(1);
  for (auto _ : state) benchmark::DoNotOptimize(pack<character>(weights).values().data());
}

void map_packed(benchmark::State& state) {
  const TemporaryFile file;
  save_packed(file.path, pack<character>(Weights<Network>(1)));
  for (auto _ : state) benchmark::DoNotOptimize(load_packed<Network, character>(file.path).values().data());
}

void train_sgd(benchmark::State& state) {
  train(state, SGD{.learning_rate = 1e-4f, .momentum = 0.9f, .weight_decay = 5e-4f});
}
void train_adamw(benchmark::State& state) {
  train(state, AdamW{.learning_rate = 1e-4f});
}

BENCHMARK(train_sgd)->ArgsProduct({{64, 128}, {1, 2}})->ArgNames({"batch", "threads"})->UseRealTime();
BENCHMARK(train_adamw)->Args({64, 2})->ArgNames({"batch", "threads"})->UseRealTime();
BENCHMARK_TEMPLATE(predict, float)
    ->ArgsProduct({{1, 8, 64, 128}, {1, 2}})
    ->ArgNames({"batch", "threads"})
    ->UseRealTime();
BENCHMARK_TEMPLATE(predict, BFloat16)
    ->ArgsProduct({{1, 2, 8, 16, 64, 128}, {1}})
    ->ArgNames({"batch", "threads"})
    ->UseRealTime();
BENCHMARK(read_weights)->Unit(benchmark::kMillisecond);
BENCHMARK(pack_weights)->Unit(benchmark::kMillisecond);
BENCHMARK(map_packed)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
