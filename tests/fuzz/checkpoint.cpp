// load_checkpoint of a file that is right in every hash, whose state of the run is the input (and, where that
// begins with '-', lacks a member of its metadata). After an Error nothing of the run has changed.
#include <captcha/layers.hpp>
#include <captcha/train/checkpoint.hpp>

#include "fuzz.hpp"

#include <bit>

using namespace captcha;
using fuzz::require;

namespace {

using Net = Named<"fc", Linear<4, 2>>;
constexpr const char* options = "optimizer sgd, seed 1";

struct Run {
  Weights<Net> weights, average;
  std::vector<WeightValues<float>> moments;
  TrainingState state;
  std::vector<std::size_t> kept;

  explicit Run(std::uint64_t seed) : weights(seed), average(seed + 1), moments(1, Weights<Net>(seed + 2)) {}
  CheckpointParts parts() { return {weights, &average, moments, 7, state, {0.5, 3, {{1, 2}}}, kept}; }
};

bool same(const EpochCounts& a, const EpochCounts& b) {
  return a.loss == b.loss && a.samples == b.samples && a.metrics == b.metrics;
}

/// The tensors and the metadata of a checkpoint as save_checkpoint names them.
struct Saved {
  Run run{10};
  std::vector<std::vector<float>> values;
  std::vector<SafeTensor> tensors;
  std::map<std::string, std::string> metadata =
      to_metadata<Net>({"tiny", {"a", "b"}, "standardise", chw(1, 2, 2)});

  Saved() {
    add(run.weights, "weights/");
    add(run.average, "average/");
    add(run.moments.front(), "moment1/");
    metadata["captcha.checkpoint_format"] = std::to_string(checkpoint_format);
  }

 private:
  void add(const WeightValues<float>& weights, const std::string& prefix) {
    values.reserve(16);
    for (const PlacedSlot& placed : weights.slots()) {
      values.push_back(weights.get(placed));
      SafeTensor tensor{prefix + placed.name, Dtype::f32, {}, std::as_bytes(std::span(values.back()))};
      for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
        tensor.shape.push_back(placed.slot.extent(axis));
      tensors.push_back(std::move(tensor));
    }
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Saved saved;
  std::string_view text = fuzz::text_of(data, size);
  std::map<std::string, std::string> metadata = saved.metadata;
  if (text.size() >= 2 && text[0] == '-') {
    metadata.erase(
        std::next(metadata.begin(), static_cast<std::uint8_t>(text[1]) % static_cast<int>(metadata.size())));
    text.remove_prefix(2);
  }
  if (!is_utf8(text)) return -1;  // not even the header would be read; see the fuzzer of safetensors
  metadata["captcha.checkpoint"] = text;
  const std::string bytes = fuzz::safetensors_bytes(saved.tensors, metadata);
  const SafetensorsFile file = SafetensorsFile::view(fuzz::bytes_of(bytes), "x");
  require(file.integrity() == Integrity::verified, "the file's hashes are right");

  static const Run before = [] {
    Run run(1);
    run.state.epoch = 2;
    run.state.history.push_back({1, 10, {{"loss", 0.25}}});
    run.kept = {10, 20};
    return run;
  }();
  Run run = before;
  CheckpointParts parts = run.parts();
  const EpochCounts counts = parts.counts;
  const fuzz::Cost cost;
  try {
    load_checkpoint(file, "x", parts, options);
    require(fuzz::same_bits(run.weights, saved.run.weights) &&
                fuzz::same_bits(run.average, saved.run.average) &&
                fuzz::same_bits(run.moments.front(), saved.run.moments.front()),
            "the weights are those of the file");
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("x: "), "a message names the file");
    require(fuzz::same_bits(run.weights, before.weights) && fuzz::same_bits(run.average, before.average) &&
                fuzz::same_bits(run.moments.front(), before.moments.front()),
            "after an error the weights, their average and the moments are as they were");
    const TrainingState &now = run.state, &then = before.state;
    require(parts.updates == 7 && run.kept == before.kept && same(parts.counts, counts) &&
                now.epoch == then.epoch && now.step == then.step && now.best_epoch == then.best_epoch &&
                now.learning_rate == then.learning_rate &&
                std::bit_cast<std::uint64_t>(now.best) == std::bit_cast<std::uint64_t>(then.best) &&
                now.history.size() == 1 && now.history.front().values == then.history.front().values,
            "after an error the state of the run is as it was");
  }
  require(cost.memory() < 64 * size + (std::size_t{1} << 20), "memory stays near the text's size");
  return 0;
}
