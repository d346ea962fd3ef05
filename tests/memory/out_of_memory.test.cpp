// Memory runs out at every allocation there is, one after the other, while a file is read or made: each time
// that is a clean exception, nothing leaks, and what was to be filled is as it was.
#include <captcha/data/folder.hpp>
#include <captcha/data/idx_dataset.hpp>
#include <captcha/io/packed_file.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/layers.hpp>
#include <captcha/train/checkpoint.hpp>
#include <captcha/train/run_folder.hpp>

#include "catch.hpp"
#include "memory/failing_memory.hpp"
#include "png_parts.hpp"
#include "temporary_folder.hpp"
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <vector>

using namespace captcha;
using png_parts::Bytes, png_parts::number;

namespace {

long open_files() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

enum class Result { done, out_of_memory, error, other };

struct Outcome {
  Result ending;
  std::string what;
  FailingMemory memory;
};

/// Runs `read` while the allocation of number `fails` fails, and the later ones too if it `stays` so.
Outcome run(const std::function<void()>& read, std::size_t fails, bool stays) {
  Outcome outcome{Result::done, std::string(256, ' '), {}};
  outcome.what.clear();  // room for a message, which must not be made while memory is out
  failing_memory = {.armed = true, .fails = fails, .stays = stays};
  try {
    read();
  } catch (const std::bad_alloc&) {
    outcome.ending = Result::out_of_memory;
  } catch (const Error& error) {
    outcome.ending = Result::error;
    outcome.what.assign(error.what(), std::min(outcome.what.capacity(), std::strlen(error.what())));
  } catch (...) {
    outcome.ending = Result::other;
  }
  failing_memory.armed = false;
  outcome.memory = failing_memory;
  return outcome;
}

/// `read` at every allocation that it makes. After each failure `untouched` must hold. `untouched` and `read`
/// are called once before, for what is made once and kept: tables of slots and the like.
void runs_out(
    const std::string& name, const std::function<void()>& read,
    const std::function<bool()>& untouched = [] { return true; }) {
  read();
  const Outcome whole = run(read, 0, false);
  REQUIRE(whole.ending == Result::done);
  REQUIRE(whole.memory.count > 0);
  REQUIRE(whole.memory.blocks == 0);
  const long files = open_files();
  std::size_t failures = 0;
  for (const bool stays : {false, true})
    for (std::size_t fails = 1;; ++fails) {
      const Outcome outcome = run(read, fails, stays);
      INFO(name << ", allocation " << fails << (stays ? " and all after it" : " alone") << ": "
                << outcome.what);
      if (outcome.memory.count < fails) break;  // it was not reached: all have been tried
      REQUIRE(outcome.ending != Result::other);
      if (outcome.ending == Result::error) REQUIRE(outcome.what.find("damaged") == std::string::npos);
      REQUIRE(outcome.memory.blocks == 0);
      REQUIRE(open_files() == files);
      REQUIRE((outcome.ending == Result::done || untouched()));
      failures += outcome.ending == Result::done ? 0 : 1;
    }
  INFO(name);
  CHECK(failures > 0);
}

void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}
Bytes bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

using Net = Chain<Named<"conv", Conv2d<2, 3>>, GlobalAvgPool2d, Named<"fc", Linear<3, 2>>>;
using Wider = Chain<Named<"conv", Conv2d<3, 3>>, GlobalAvgPool2d, Named<"fc", Linear<3, 2>>>;
constexpr Shape input = chw(2, 6, 5);

template <class T>
bool same(const WeightValues<T>& a, const WeightValues<T>& b) {
  return std::ranges::equal(a.parameters(), b.parameters()) && std::ranges::equal(a.buffers(), b.buffers());
}

/// The file's tensors as another type of two bytes: 1.5 everywhere, which both know.
void convert(const std::filesystem::path& from, const std::filesystem::path& to, Dtype dtype) {
  const SafetensorsFile file = SafetensorsFile::read(from);
  std::vector<std::vector<std::uint16_t>> values;
  values.reserve(file.tensors().size());
  std::vector<SafeTensor> tensors;
  for (SafeTensor tensor : file.tensors()) {
    const std::uint16_t bits = dtype == Dtype::f16 ? 0x3E00 : 0x3FC0;
    values.emplace_back(tensor.bytes.size() / sizeof(float), bits);
    tensor.dtype = dtype;
    tensor.bytes = std::as_bytes(std::span(values.back()));
    tensors.push_back(std::move(tensor));
  }
  write_safetensors(to, tensors, file.metadata());
}

}  // namespace

TEST_CASE("memory runs out while a picture is decoded") {
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, Bytes>>{
           {"grey", png_parts::file({7, 5})},
           {"grey of one bit, interlaced", png_parts::file({19, 17, 1, PngParts::grey, true})},
           {"RGB with a transparent colour",
            png_parts::file({9, 3, 8, PngParts::rgb, false, {}, {0, 1, 0, 2, 0, 3}})},
           {"RGBA, interlaced", png_parts::file({32, 52, 8, PngParts::rgba, true})},
           {"palette", png_parts::file({9, 9, 4, PngParts::palette, false, {1, 2, 3, 4, 5, 6}})},
           {"palette with alpha, interlaced",
            png_parts::file({9, 9, 8, PngParts::palette, true, {1, 2, 3, 4, 5, 6}, {7}})}}) {
    const Image whole = decode_png(bytes, "x.png");
    runs_out(name, [&, &picture = bytes] {
      const Image image = decode_png(picture, "x.png");
      if (image.pixels.size() != whole.pixels.size()) throw 0;
    });
  }
}

TEST_CASE("memory runs out while a picture is encoded") {
  for (int channels = 1; channels <= 4; ++channels) {
    Image image{9, 7, channels, Bytes(static_cast<std::size_t>(9 * 7 * channels))};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i * i);
    const Bytes whole = encode_png(image);
    runs_out("encoding", [&] {
      if (encode_png(image) != whole) throw 0;
    });
  }
}

TEST_CASE("memory runs out while pictures of a folder are read, and none is taken for a bad one") {
  const TemporaryFolder folder;
  write(folder.path / "a_1.png", png_parts::file({7, 5}));
  write(folder.path / "a_2.png", png_parts::file({7, 5, 8, PngParts::rgba, true}));
  write(folder.path / "b_1.png", png_parts::file({9, 9, 8, PngParts::palette, false, {1, 2, 3}}));
  for (const BadFiles bad : {BadFiles::fail, BadFiles::skip, BadFiles::quarantine})
    for (const bool cache : {false, true})
      runs_out(
          "a folder",
          [&] {
            const ImageFolder<chw(1, 5, 7)> images(folder.path, {.resize = true, .cache = cache, .bad = bad});
            if (images.size() != 3 || !images.report().empty()) throw 0;
            std::vector<float> pixels(35);
            if (images.get(2, pixels) != 1) throw 0;
          },
          [&] { return std::filesystem::exists(folder.path / "b_1.png"); });
}

TEST_CASE("memory runs out while IDX files are read") {
  const TemporaryFolder folder;
  const Bytes labels{0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
  Bytes images{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2};
  images.resize(images.size() + 12, 9);
  write(folder.path / "labels", labels);
  write(folder.path / "images", images);
  const gzFile out = gzopen((folder.path / "images.gz").c_str(), "wb");
  REQUIRE(gzwrite(out, images.data(), static_cast<unsigned>(images.size())) > 0);
  REQUIRE(gzclose(out) == Z_OK);
  for (const char* const name : {"images", "images.gz"})
    runs_out(name, [&] {
      const IdxDataset<chw(1, 3, 2)> data(folder.path / name, folder.path / "labels");
      if (data.size() != 2) throw 0;
    });
}

TEST_CASE("memory runs out while tensors are read, viewed and loaded, and no weight has changed") {
  const TemporaryFolder folder;
  const std::filesystem::path ours = folder.path / "ours", half = folder.path / "half",
                              brain = folder.path / "brain", wider = folder.path / "wider";
  const ModelInfo about{"tiny", {"a", "a class of a long name"}, "standardise", input};
  save_weights(ours, Weights<Net>(1), to_metadata<Net>(about));
  save_weights(wider, Weights<Wider>(1));
  convert(ours, half, Dtype::f16);
  convert(ours, brain, Dtype::bf16);

  Weights<Net> weights(2);
  const Weights<Net> before = weights;
  const auto untouched = [&] { return same(weights, before); };
  for (const auto& path : {ours, half, brain}) {
    const Bytes bytes = bytes_of(path);
    runs_out("read " + path.filename().string(), [&] { SafetensorsFile::read(path); });
    runs_out("view " + path.filename().string(),
             [&] { SafetensorsFile::view(std::as_bytes(std::span(bytes)), "x"); });
    runs_out(
        "load " + path.filename().string(),
        [&] {
          std::ranges::copy(before.parameters(), weights.parameters().begin());
          load_weights(path, weights);
        },
        untouched);
  }
  runs_out(
      "adapt",
      [&] {
        std::ranges::copy(before.parameters(), weights.parameters().begin());
        load_weights(wider, weights, {.strict = false, .adapt = true});
      },
      untouched);
  const SafetensorsFile file = SafetensorsFile::read(ours);
  runs_out("what a model says of itself", [&] {
    if (model_info(file, "x").classes != about.classes) throw 0;
  });
}

TEST_CASE("memory runs out while packed weights are read") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "packed";
  save_packed(path, PackedWeights<Net, input>(Weights<Net>(1)));
  runs_out("packed", [&] { load_packed<Net, input>(path); });
}

TEST_CASE("memory runs out while the checkpoints of a run are looked for") {
  const TemporaryFolder folder;
  for (const char* name : {"checkpoint-00000002.safetensors", "checkpoint-00000010.safetensors"})
    save_weights(folder.path / name, Weights<Net>(1));
  const std::filesystem::path half = folder.path / ".unfinished-999999999-1";  // of no process
  runs_out("the run's folder", [&] {
    const std::vector<std::filesystem::path> checkpoints = checkpoints_of(folder.path);
    if (checkpoints.size() != 2 || newest_whole(checkpoints).name != checkpoints[0]) throw 0;
  });
  write(half, {1, 2, 3});
  const auto look = [&](std::size_t fails) {
    return run([&] { remove_unfinished(folder.path); }, fails, true);
  };
  std::size_t fails = 1;
  for (Outcome outcome = look(fails); outcome.memory.count >= fails; outcome = look(++fails)) {
    REQUIRE(outcome.ending != Result::other);
    REQUIRE(outcome.memory.blocks == 0);
    REQUIRE(std::filesystem::exists(half));
  }
  CHECK_FALSE(std::filesystem::exists(half));
}

TEST_CASE("memory runs out while a checkpoint is read, and the run has not changed") {
  struct Run {
    Weights<Net> weights, average;
    std::vector<WeightValues<float>> moments;
    TrainingState state;
    std::vector<std::size_t> kept;

    explicit Run(std::uint64_t seed)
        : weights(seed), average(seed + 1), moments{Weights<Net>(seed + 2), Weights<Net>(seed + 3)} {}
    CheckpointParts parts() { return {weights, &average, moments, 7, state, {}, kept}; }
  };
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "checkpoint";
  Run saved(1);
  saved.state.epoch = 3;
  saved.state.step = 30;
  saved.state.best = 0.5;
  saved.state.history = {{1, 10, {{"train_loss", 2}, {"a value of a long name", 1}}}, {2, 20, {}}};
  saved.kept = {10, 20, 30};
  save_checkpoint(path, saved.parts(), to_metadata<Net>({"tiny", {"a"}, "standardise", input}),
                  "optimizer adam, seed 1");
  const SafetensorsFile file = SafetensorsFile::read(path);

  const Run before(10);
  Run run = before;
  std::int64_t updates = 7;
  runs_out(
      "checkpoint",
      [&] {
        // Put back without an allocation.
        const auto restore = [](WeightValues<float>& to, const WeightValues<float>& from) {
          std::ranges::copy(from.parameters(), to.parameters().begin());
        };
        restore(run.weights, before.weights);
        restore(run.average, before.average);
        for (std::size_t i = 0; i < 2; ++i) restore(run.moments[i], before.moments[i]);
        run.state = {};
        run.kept = {};
        CheckpointParts parts = run.parts();
        try {
          load_checkpoint(file, "x", parts, "optimizer adam, seed 1");
        } catch (...) {
          updates = parts.updates;
          throw;
        }
        if (run.state.epoch != 3 || run.state.history.size() != 2 || run.kept.size() != 3) throw 0;
        run.state = {};
        run.kept = {};
      },
      [&] {
        return same(run.weights, before.weights) && same(run.average, before.average) &&
               same(run.moments[0], before.moments[0]) && same(run.moments[1], before.moments[1]) &&
               run.state.epoch == 0 && run.state.history.empty() && run.kept.empty() && updates == 7;
      });
}

TEST_CASE("the largest picture that is accepted, in the most wasteful stream, takes less than it may") {
  for (const bool interlaced : {false, true}) {
    PngParts parts;
    parts.width = parts.height = max_image_side;
    parts.colour = PngParts::rgba;
    parts.interlaced = interlaced;
    const Bytes rows(parts.inflated_size());
    Bytes stream{0x78, 0x01};
    const auto block = [&](std::size_t begin, std::size_t size, bool last) {
      stream.push_back(last ? 1 : 0);
      for (const std::size_t value : {size, ~size})
        for (const int shift : {0, 8}) stream.push_back(static_cast<std::uint8_t>(value >> shift));
      stream.insert(stream.end(), rows.begin() + static_cast<std::ptrdiff_t>(begin),
                    rows.begin() + static_cast<std::ptrdiff_t>(begin + size));
    };
    constexpr std::size_t most = 32768;
    for (std::size_t at = 0; at < rows.size(); at += most) block(at, std::min(most, rows.size() - at), false);
    while (stream.size() < max_image_file - 200) block(0, 0, false);  // up to the size that a file may have
    block(0, 0, true);
    number(stream, ::adler32_z(1, rows.data(), rows.size()));
    const Bytes bytes =
        png_parts::file({max_image_side, max_image_side, 8, PngParts::rgba, interlaced}, stream);
    REQUIRE(bytes.size() <= max_image_file);
    const Outcome outcome = run([&] { decode_png(bytes, "x.png"); }, 0, false);
    REQUIRE(outcome.ending == Result::done);
    INFO(outcome.memory.most_bytes << " bytes");
    CHECK(outcome.memory.most_bytes < 8l << 20);  // what decode_png promises
    CHECK(outcome.memory.most_bytes > 4l << 20);  // or nothing was counted
  }
}
