// What a reader with nothing of ours finds in the event files of a run.
#include <captcha/data/png.hpp>
#include <captcha/train.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "toys.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace captcha;
using toys::Halves, toys::Tiny;

namespace {

/// The lines that read_events.py prints for a folder; one that says "failed" when it ends with an error.
std::vector<std::string> events(const std::filesystem::path& folder) {
  const std::string out = (folder / "read").string();
  const std::string command =
      std::string(CAPTCHA_READ_EVENTS) + " " + folder.string() + " > " + out + " 2>&1";
  if (std::system(command.c_str()) != 0) return {"failed"};
  std::vector<std::string> lines;
  std::ifstream file(out);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string line(std::size_t step, const std::string& tag, double value) {
  char text[128];
  std::snprintf(text, sizeof text, "%zu %s %.6g", step, tag.c_str(),
                static_cast<double>(static_cast<float>(value)));
  return text;
}

bool has(const std::vector<std::string>& lines, const std::string& wanted) {
  return std::count(lines.begin(), lines.end(), wanted) == 1;
}

std::size_t event_files(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    count += entry.path().filename().string().starts_with("events.out.tfevents.");
  return count;
}

struct StopAt {
  std::size_t step;
  void on_step(TrainingState& state) const { state.stop = state.step == step; }
};

}  // namespace

TEST_CASE("what a run writes for TensorBoard is read back by another reader") {
  const TemporaryFolder folder;
  Weights<Tiny> weights(1);
  const FitResult result = fit(weights, Halves{}, Halves{}, {.epochs = 2, .batch_size = 8, .threads = 1},
                               TensorBoard(folder.path, 4));
  const auto lines = events(folder.path);
  for (const EpochRecord& record : result.history) {
    CHECK(has(lines, line(record.step, "loss/train", record["train_loss"])));
    CHECK(has(lines, line(record.step, "loss/val", record["val_loss"])));
    CHECK(has(lines, line(record.step, "accuracy/train", record["train_accuracy"])));
    CHECK(has(lines, line(record.step, "accuracy/val", record["val_accuracy"])));
    CHECK(has(lines, line(record.step, "learning_rate", record["learning_rate"])));
    CHECK(has(lines, line(record.step, "images_per_second", record["images_per_second"])));
  }
  const std::size_t steps = result.step, by_step = steps / 4;
  CHECK(lines.size() == 2 * 7 + 3 * by_step);
  CHECK(by_step > 1);
  for (std::size_t step = 4; step <= steps; step += 4) {
    const std::string start = std::to_string(step) + " step/loss ";
    CHECK(std::any_of(lines.begin(), lines.end(), [&](const auto& text) { return text.starts_with(start); }));
  }
}

TEST_CASE("a run that goes on begins a new file, which replaces what came after its checkpoint") {
  const TemporaryFolder folder;
  const auto options = [&](bool resume) {
    return FitOptions<>{
        .epochs = 3, .batch_size = 8, .threads = 1, .run = folder.path / "run", .resume = resume};
  };
  const auto run = [&](bool resume, std::size_t stop_at) {
    Weights<Tiny> weights(1);
    return fit(weights, Halves{}, Halves{}, options(resume), TensorBoard(folder.path / "run", 1),
               StopAt{stop_at});
  };
  const std::size_t each = run(false, 0).step / 3;  // steps of an epoch
  std::filesystem::remove_all(folder.path / "run");
  REQUIRE(each >= 3);
  run(false, each + 2);
  CHECK(event_files(folder.path / "run") == 1);
  // As if it had been killed two steps later than its checkpoint says.
  {
    EventFile lost(folder.path / "run", each + 2);
    lost.scalars(each + 3, {{"step/loss", 1000}});
    lost.scalars(each + 4, {{"step/loss", 1000}});
  }
  const FitResult result = run(true, 0);
  CHECK(event_files(folder.path / "run") == 3);
  const auto lines = events(folder.path / "run");
  for (const EpochRecord& record : result.history)
    CHECK(has(lines, line(record.step, "loss/val", record["val_loss"])));
  for (std::size_t step = 1; step <= 3 * each; ++step) {
    if (step == each + 2) continue;  // the step of the checkpoint itself is replaced, by nothing
    INFO(step);
    const std::string start = std::to_string(step) + " step/loss ";
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [&](const auto& text) { return text.starts_with(start); }) == 1);
  }
  CHECK(std::none_of(lines.begin(), lines.end(), [](const auto& text) { return text.ends_with(" 1000"); }));
}

TEST_CASE("pictures are written as PNG, large records too, and damage is seen by the reader") {
  const TemporaryFolder folder;
  std::filesystem::path path;
  {
    EventFile file(folder.path, 0);
    path = file.path();
    Image image{60, 300, 3, std::vector<std::uint8_t>(60 * 300 * 3)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint8_t>(i * i * 7919 >> 5);
    const auto png = encode_png(image);
    file.image(1 << 20, "inputs/shown", {60, 300, 3, png});
    file.scalars(std::size_t{1} << 40, {{"a", -0.25}, {"b \"quoted\"", 1e-30}});
  }
  CHECK(events(folder.path) == std::vector<std::string>{"1048576 inputs/shown 300 x 60 x 3",
                                                        "1099511627776 a -0.25",
                                                        "1099511627776 b \"quoted\" 1e-30"});
  const auto size = std::filesystem::file_size(path);
  for (const std::size_t at :
       {std::size_t{3}, std::size_t{9}, std::size_t{14}, std::size_t{size / 2}, size - 2}) {
    INFO(at);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int before = file.get();
    const auto put = [&](int byte) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(byte));
      file.flush();
    };
    put(before ^ 4);
    CHECK(events(folder.path) == std::vector<std::string>{"failed"});
    put(before);
  }
  CHECK(events(folder.path).size() == 3);
}

TEST_CASE("a folder that is not there and every 0 steps are errors in words") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(EventFile(folder.path / "none", 0), Catch::Contains("cannot be created: No such file"));
  CHECK_THROWS_WITH(TensorBoard(folder.path, 0), Catch::Contains("every 0 steps"));
}
