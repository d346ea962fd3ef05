// From a PNG file to a batch: decoding, each augmentation of `captcha train`, and the loader, one thread, in
// images per second. `bench_data FOLDER` reads the characters of a folder, without one it draws some.
#include <captcha/data.hpp>

#include "augmented.hpp"
#include "characters.hpp"
#include "generate.hpp"
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace captcha;
using namespace captcha::app;

/// Counts images; `image(i)` is called with i = 0, 1, … count - 1, 0, 1, …
template <class F>
void per_image(benchmark::State& state, std::size_t count, F&& image) {
  std::size_t index = 0;
  for (auto _ : state) {
    image(index);
    benchmark::ClobberMemory();
    index = index + 1 == count ? 0 : index + 1;
  }
  state.SetItemsProcessed(state.iterations());
}

void decode_memory(benchmark::State& state, const Characters& data) {
  std::vector<std::vector<std::uint8_t>> files;
  for (std::size_t i = 0; i < data.size(); ++i) files.push_back(read_image_file(data.name(i)));
  per_image(state, files.size(), [&](std::size_t i) { decode_png(files[i], "image"); });
}

void decode_file(benchmark::State& state, const Characters& data) {
  per_image(state, data.size(), [&](std::size_t i) { read_png(data.name(i)); });
}

/// One pixel function alone, drawn to happen every time.
template <class Step>
void alter_images(benchmark::State& state, const Characters& data, const Step& step) {
  std::vector<float> source(character.size()), pixels(character.size());
  data.get(0, source);
  Random random(1);
  per_image(state, 1, [&](std::size_t) {
    pixels = source;
    step(std::span(pixels), character, random);
  });
}

template <class Data>
void load(benchmark::State& state, const Data& data) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const Loader loader(data, {.batch_size = batch, .shuffle = true, .threads = 0, .drop_last = true});
  std::uint64_t number = 0;
  std::optional epoch(loader.epoch(number));
  auto it = epoch->begin();
  for (auto _ : state) {
    benchmark::DoNotOptimize(it->inputs().data());
    if (++it == epoch->end()) {
      epoch.emplace(loader.epoch(++number));
      it = epoch->begin();
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void run_all(const std::filesystem::path& folder) {
  const Characters cached = open_characters(folder);
  const Characters files(folder, {.classes = class_names(), .cache = false});
  const auto add = [](const char* name, auto function) {
    return benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMicrosecond);
  };
  const auto add_step = [&](const char* name, auto step) {
    add(name, [&cached, step](benchmark::State& state) { alter_images(state, cached, step); });
  };
  add("decode, from memory", [&](benchmark::State& state) { decode_memory(state, cached); });
  add("decode, from file", [&](benchmark::State& state) { decode_file(state, cached); });
  add_step("Stretch", Stretch{});
  add_step("Affine", Affine{});
  add_step("BrightnessContrast", BrightnessContrast{});
  add_step("GaussianBlur", GaussianBlur{.probability = 1});
  add_step("GaussianNoise", GaussianNoise{});
  add_step("StrikeThrough", StrikeThrough{.probability = 1});
  add_step("RandomErasing", RandomErasing{.probability = 1});
  add_step("Binarise", Binarise{.probability = 1});
  add_step("Standardise", Standardise{});
  const auto add_batches = [&](const char* name, auto data) {
    add(name, [data](benchmark::State& state) { load(state, data); })->Arg(128);
  };
  add_batches("batch, from memory", map(cached, Standardise{}));
  add_batches("batch, augmented, from memory", augmented(cached));
  add_batches("batch, from files", map(files, Standardise{}));
  add_batches("batch, augmented, from files", augmented(files));
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (argc > 2) {
    std::fprintf(stderr, "usage: %s [FOLDER] [--benchmark_...]\n", argv[0]);
    return 2;
  }
  if (argc == 2) {
    run_all(argv[1]);
    return 0;
  }
  const std::filesystem::path drawn = std::filesystem::temp_directory_path() / "captcha_bench_data";
  std::filesystem::remove_all(drawn);
  generate({.out = drawn, .count = 2000});
  run_all(drawn);
  std::filesystem::remove_all(drawn);
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_data: %s\n", error.what());
  return 1;
}
