// Files that were written once load for ever: models and checkpoints of every format, as make_golden.cpp made
// them with the headers of their time.
#include "golden.hpp"

#include <captcha/core/error.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/packed_file.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/train.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

using namespace captcha;
namespace fs = std::filesystem;

namespace {

/// One run whose files are kept.
struct Golden {
  const char* folder;
  std::vector<const char*> checkpoints;
};
const std::vector<Golden> all{
    {"format1", {"last.safetensors"}},
    {"format2", {"checkpoint-00000010.safetensors", "checkpoint-00000013.safetensors"}},
    {"format3", {"checkpoint-00000010.safetensors", "checkpoint-00000013.safetensors"}}};
constexpr std::uint64_t best_hash = 0x36c4a17b13cb75d7, final_hash = 0xaa2e841dd7c86d83,
                        packed_hash = 0xf5818b34ac715c68;

fs::path golden_file(const char* folder, const char* name) {
  return fs::path(CAPTCHA_GOLDEN_DIR) / folder / name;
}

/// The largest difference between two values, relative to values above 1.
double difference(std::span<const float> a, std::span<const float> b) {
  double most = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) /
                              std::max(1.0, std::abs(static_cast<double>(b[i]))));
  return most;
}

/// What a run needs to go on from one of its checkpoints, in a folder of its own.
void copy_run(const char* folder, const char* checkpoint, const fs::path& to) {
  for (const char* name : {checkpoint, "best.safetensors"})
    fs::copy_file(golden_file(folder, name), to / name);
}

/// A file as it is but for one entry of its metadata.
void rewrite(const fs::path& from, const fs::path& to, const std::string& key, const std::string& value) {
  const SafetensorsFile file = SafetensorsFile::read(from);
  std::map<std::string, std::string> metadata = file.metadata();
  metadata[key] = value;
  write_safetensors(to, file.tensors(), metadata);
}

}  // namespace

TEST_CASE("models of every format load with the weights they were written with") {
  for (const Golden& run : all)
    for (const auto& [name, hash] :
         {std::pair{"best.safetensors", best_hash}, {"final.safetensors", final_hash}}) {
      const fs::path path = golden_file(run.folder, name);
      INFO(path);
      const SafetensorsFile file = SafetensorsFile::read(path);
      CHECK(file.integrity() == Integrity::verified);
      const ModelInfo info = model_info(file, path.string());
      CHECK(info.architecture == "golden");
      CHECK(info.classes == std::vector<std::string>{"down", "across"});
      CHECK(info.normalisation == "none");
      CHECK(info.input == golden::Stripes::shape);
      CHECK(file.metadata().at("captcha.fingerprint") == fingerprint<golden::Network>());
      Weights<golden::Network> weights(1);
      CHECK(load_weights(path, weights).loaded == Weights<golden::Network>::slots().size());
      CHECK(golden::hash_of(weights) == hash);
    }
}

TEST_CASE("packed weights are mapped as they were written, and predict what the model predicts") {
  const fs::path path = golden_file("packed1", "packed.safetensors");
  constexpr Shape shape = golden::Stripes::shape;
  const auto packed = load_packed<golden::Network, shape>(path);
  CHECK(golden::hash_of(packed.values()) == packed_hash);
  CHECK(model_info(SafetensorsFile::read(path), path.string()).classes ==
        std::vector<std::string>{"down", "across"});

  Weights<golden::Network> weights(1);
  load_weights(golden_file("format2", "final.safetensors"), weights);
  Workers workers(1);
  Inference<golden::Network, shape> inference(1);
  std::vector<float> pixels(shape.size());
  for (std::size_t i = 0; i < 8; ++i) {
    golden::Stripes{}.get(i, pixels);
    const auto old = inference(packed, pixels.data(), 1, workers);
    const std::vector<float> kept(old.begin(), old.end());
    CHECK(difference(kept, inference(pack<shape>(weights), pixels.data(), 1, workers)) < 1e-5);
  }

  const TemporaryFolder folder;
  const fs::path newer = folder.path / "packed.safetensors";
  const std::string version = std::to_string(packed_format + 1);
  rewrite(path, newer, "captcha.packed", version);
  CHECK_THROWS_WITH((load_packed<golden::Network, shape>(newer)),
                    newer.string() + ": its version of packed weights is " + version + ", expected " +
                        std::to_string(packed_format) + "; pack the weights again, with save_packed");
}

TEST_CASE("runs of every checkpoint format go on to the weights that an uninterrupted run ended with") {
  for (const Golden& run : all)
    for (const char* checkpoint : run.checkpoints) {
      INFO(run.folder << "/" << checkpoint);
      const TemporaryFolder folder;
      copy_run(run.folder, checkpoint, folder.path);
      Weights<golden::Network> weights(77);  // whatever it starts from, the checkpoint decides
      const FitResult result =
          fit(weights, golden::Stripes{}, golden::Stripes{20}, golden::options(folder.path));
      CHECK(result.resumed == (folder.path / checkpoint).string());
      CHECK(result.warnings.empty());
      REQUIRE(result.history.size() == 4);
      for (std::size_t i = 0; i < 4; ++i) CHECK(result.history[i].epoch == i + 1);
      CHECK(result.step == 20);

      // Not by their bits: another processor may round sums differently.
      Weights<golden::Network> expected(1);
      load_weights(golden_file(run.folder, "final.safetensors"), expected);
      CHECK(difference(weights.parameters(), expected.parameters()) < 1e-3);
      CHECK(difference(weights.buffers(), expected.buffers()) < 1e-3);
      // The part of the run behind the checkpoint did change them.
      Weights<golden::Network> before(1);
      load_weights(golden_file(run.folder, "best.safetensors"), before);
      CHECK(difference(weights.parameters(), before.parameters()) > 1e-2);
    }
}

TEST_CASE("runs of every checkpoint format are not gone on with under other options") {
  for (const Golden& run : all)
    for (const char* checkpoint : run.checkpoints) {
      INFO(run.folder << "/" << checkpoint);
      const TemporaryFolder folder;
      copy_run(run.folder, checkpoint, folder.path);
      FitOptions<> options = golden::options(folder.path);
      options.clip_norm = 2;
      Weights<golden::Network> weights(77);
      CHECK_THROWS_WITH(fit(weights, golden::Stripes{}, golden::Stripes{20}, options),
                        Catch::Contains("then clip 1; now ") && Catch::Contains("clip 2"));
    }
}

TEST_CASE(
    "checkpoints from here on are written in the newest format, also in a run that began in an old one") {
  const TemporaryFolder folder;
  copy_run("format1", "last.safetensors", folder.path);
  Weights<golden::Network> weights(77);
  fit(weights, golden::Stripes{}, golden::Stripes{20}, golden::options(folder.path));
  const auto newest = checkpoints_of(folder.path).front();
  CHECK(newest.filename() == "checkpoint-00000020.safetensors");
  CHECK(SafetensorsFile::read(newest).metadata().at("captcha.checkpoint_format") ==
        std::to_string(checkpoint_format));
}

TEST_CASE("files of a format to come are refused in one sentence that names the file and both formats") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model.safetensors";
  const std::string newer_model = std::to_string(model_format + 1);
  rewrite(golden_file("format2", "best.safetensors"), model, "captcha.format", newer_model);
  const std::string says = model.string() + ": model format " + newer_model + ", this program knows format " +
                           std::to_string(model_format) + "; use a newer one";
  CHECK_THROWS_WITH(model_info(SafetensorsFile::read(model), model.string()), says);
  Weights<golden::Network> weights(1);
  const std::uint64_t before = golden::hash_of(weights);
  CHECK_THROWS_WITH(load_weights(model, weights), says);
  CHECK_THROWS_WITH(load_weights(model, weights, {.strict = false, .adapt = true}), says);
  CHECK(golden::hash_of(weights) == before);

  const fs::path run = folder.path / "run", checkpoint = run / "checkpoint-00000010.safetensors";
  fs::create_directories(run);
  const std::string newer_checkpoint = std::to_string(checkpoint_format + 1);
  rewrite(golden_file("format2", "checkpoint-00000010.safetensors"), checkpoint, "captcha.checkpoint_format",
          newer_checkpoint);
  CHECK_THROWS_WITH(fit(weights, golden::Stripes{}, golden::Stripes{20}, golden::options(run)),
                    checkpoint.string() + ": checkpoint format " + newer_checkpoint +
                        ", this program knows 1 to " + std::to_string(checkpoint_format) +
                        "; use a newer one");
  CHECK(golden::hash_of(weights) == before);
}
