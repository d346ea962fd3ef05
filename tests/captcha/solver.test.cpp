// Whole CAPTCHAs: a small solver that learns a few drawn ones by heart, the program's solver as a user meets
// it, and what is refused.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/train.hpp>

#include "captcha_reader.hpp"
#include "catch.hpp"
#include "desk.hpp"
#include "drawn_captchas.hpp"
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace captcha;
using namespace captcha::app;
namespace fs = std::filesystem;

namespace {

Image drawn(const std::string& text, std::uint64_t seed = 1) {
  Random random(seed);
  return draw_captcha(text, random).image;
}

/// A solver of an untrained network: it reads nonsense, but as a solver does.
std::string untrained(const Desk& desk) {
  const std::string file = desk / "untrained.safetensors";
  save_weights(file, Weights<SolverNetwork>(1), to_metadata<SolverNetwork>(solver_info()));
  return file;
}

}  // namespace

TEST_CASE("a narrow solver learns to read a few drawn CAPTCHAs with the trainer of all networks") {
  using Narrow = SolverResNet<captcha_shape, static_cast<int>(solution_length),
                              static_cast<int>(labels.size()), 8>::type;
  const auto few = map(DrawnCaptchas(24, 3), Standardise{});
  Weights<Narrow> weights(1);
  const FitResult result =
      fit(weights, few, few,
          FitOptions<AdamW, MeanOverHeads<>, std::tuple<ExactMatch, OverHeads<Accuracy>>>{
              .epochs = 40, .batch_size = 8, .optimizer = {.learning_rate = 5e-3f}, .threads = 1, .seed = 1});
  CHECK(result.history.front()["val_exact_match"] < 0.2);
  CHECK(result.history.back()["val_exact_match"] == 1.0);
  CHECK(result.history.back()["val_accuracy_of_heads"] == 1.0);
}

TEST_CASE("drawn CAPTCHAs with a seed stay the same, others follow the epoch") {
  std::vector<float> a(captcha_shape.size()), b(captcha_shape.size());
  Random first(1, Purpose::augment, 0, 0), second(1, Purpose::augment, 1, 0);
  const DrawnCaptchas fixed(3, 7), moving(3);
  CHECK(fixed.get(2, a, first) == fixed.get(2, b, second));
  CHECK(a == b);
  moving.get(2, a, first);
  moving.get(2, b, second);
  CHECK(a != b);
}

TEST_CASE("a solver gives a probability for each class, and the same to threads that call it at once") {
  const Desk desk;
  const Solver solver(untrained(desk), 1);
  std::vector<Image> images;
  for (std::uint64_t i = 0; i < 19; ++i) images.push_back(drawn("2b827", i));
  const std::vector<Reading> readings = solver(images);
  REQUIRE(readings.size() == 19);
  for (const Reading& reading : readings) {
    REQUIRE(reading.text.size() == solution_length);
    double product = 1;
    for (std::size_t position = 0; position < solution_length; ++position) {
      double sum = 0;
      for (const float share : reading.probabilities[position]) sum += static_cast<double>(share);
      CHECK(sum == Approx(1.0).margin(1e-5));
      const auto number = static_cast<std::size_t>(letter_number(reading.text[position], "test"));
      for (const float share : reading.probabilities[position])
        CHECK(share <= reading.probabilities[position][number]);
      product *= static_cast<double>(reading.probabilities[position][number]);
    }
    CHECK(reading.confidence == Approx(product));
  }
  CHECK(solver(images[5]).text == readings[5].text);
  CHECK(solver(std::span<const Image>{}).empty());
  std::array<std::vector<Reading>, 4> together;
  std::vector<std::thread> threads;
  for (auto& own : together) threads.emplace_back([&] { own = solver(images); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& own : together)
    for (std::size_t i = 0; i < own.size(); ++i) CHECK(own[i].probabilities == readings[i].probabilities);

  const Image wrong{50, 100, 1, std::vector<std::uint8_t>(5000)};
  CHECK_THROWS_WITH(
      solver(wrong),
      "CAPTCHA 1: 100 x 50 pixels (width x height), expected 200 x 50; use --resize to accept it");
}

TEST_CASE("a character model reads CAPTCHAs by cutting, whatever it makes of the letters") {
  CutSolver solver(Weights<Network>(1));
  const std::vector<Reading> readings = solver(std::vector<Image>{drawn("m3wfx")});
  REQUIRE(readings.size() == 1);
  CHECK(readings[0].text.size() == solution_length);
  CHECK(readings[0].confidence > 0);
  CHECK(readings[0].confidence < 1);
}

TEST_CASE("the commands of the solver work together, and what they print is what programs expect") {
  const Desk desk;
  fs::create_directories(desk / "c");
  for (const char* text :
       {"2b827", "m3wfx", "ydg4p", "nnc56", "e8y7x", "b2b2b", "5w5m5", "gfpda", "3n8d4", "cx6b7"})
    write_png(desk / ("c/" + std::string(text) + ".png"), drawn(text));
  write_png(desk / "c/2b827_2.png", drawn("2b827", 2));
  const std::string train =
      "train-solver --quiet --threads 1 --epochs 2 --batch 4 --val-fraction 0.3 --drawn 6 ";
  const Outcome whole = desk.run(train + "--data " + (desk / "c") + " --out " + (desk / "run"));
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  CHECK_THAT(desk.text("run/metrics.csv"), Catch::Contains("val_exact_match,val_accuracy_of_heads"));
  CHECK_THAT(desk.text("run/config.toml"),
             Catch::Contains("drawn = 6\n") && Catch::Contains("trust-jpeg = false\n"));
  check_refused(desk.run(train + "--data " + (desk / "c") + " --out " + (desk / "run")), 1,
                "holds a run already");
  check_refused(desk.run("train-solver --quiet --resume --drawn 7 --out " + (desk / "run")), 1, "drawn 7");

  const std::string model = " --model " + (desk / "run/final.safetensors");
  const Outcome one = desk.run("solve --json" + model + " " + (desk / "c/2b827.png"));
  REQUIRE(one.code == 0);
  const auto json = nlohmann::json::parse(one.out);
  REQUIRE(json.size() == 1);
  CHECK(json[0].size() == 3);
  CHECK(json[0]["file"] == desk / "c/2b827.png");
  CHECK(json[0]["text"].get<std::string>().size() == 5);
  CHECK(json[0]["confidence"].get<double>() > 0);
  CHECK(json[0]["confidence"].get<double>() <= 1);

  desk.write("c/yyyyy.png", "no picture");
  write_png(desk / "small.png", Image{40, 100, 3, std::vector<std::uint8_t>(12000, 90)});
  const Outcome some = desk.run("solve --json" + model + " " + (desk / "c") + " " + (desk / "small.png"));
  CHECK(some.code == 1);
  const auto all = nlohmann::json::parse(some.out);
  REQUIRE(all.size() == 13);
  CHECK(all[11]["file"] == desk / "c/yyyyy.png");
  CHECK(all[11].size() == 2);
  CHECK_THAT(all[11]["error"].get<std::string>(), Catch::Contains("not a PNG"));
  CHECK_THAT(all[12]["error"].get<std::string>(),
             Catch::Contains("100 x 40 pixels (width x height), expected 200 x 50"));
  CHECK(desk.run("solve --resize" + model + " " + (desk / "small.png")).code == 0);

  const Outcome judged = desk.run("evaluate-solver --json" + model + " --data " + (desk / "c"));
  CHECK(judged.code == 1);
  CHECK_THAT(judged.err,
             Catch::Contains("c/yyyyy.png: not a PNG") && Catch::Contains("1 bad image was left out"));
  const auto report = nlohmann::json::parse(judged.out);
  CHECK(report["images"] == 11);
  CHECK(report["bad"].size() == 1);
  CHECK(report["mistakes"].size() ==
        static_cast<std::size_t>(std::lround(11 * (1 - report["accuracy"].get<double>()))));
  check_refused(desk.run(train + "--data " + (desk / "c") + " --out " + (desk / "bad")), 1,
                "c/yyyyy.png: not a PNG");
  const Outcome skipped =
      desk.run(train + "--on-bad-image skip --data " + (desk / "c") + " --out " + (desk / "bad"));
  CHECK(skipped.code == 0);
  CHECK_THAT(skipped.err, Catch::EndsWith("1 bad image was left out; named above\n"));
  // The bad one aside, nothing differs.
  CHECK(desk.text("bad/final.safetensors") == desk.text("run/final.safetensors"));
}

TEST_CASE("whole CAPTCHAs can be generated, the same for the same seed") {
  const Desk desk;
  REQUIRE(desk.run("generate --captchas --count 6 --seed 4 --out " + (desk / "c")).code == 0);
  REQUIRE(desk.run("generate --captchas --count 2 --first 4 --seed 4 --out " + (desk / "last")).code == 0);
  const Captchas all(desk / "c"), last(desk / "last");
  REQUIRE(all.size() == 6);
  REQUIRE(last.size() == 2);
  for (std::size_t i = 0; i < last.size(); ++i) {
    const std::string name = fs::path(last.name(i)).filename().string();
    CHECK(all.group(i).size() == solution_length);
    CHECK(desk.text("c/" + name) == desk.text("last/" + name));
  }
}

TEST_CASE("models for the other task, names that are no solutions and JPEG files are refused in a line") {
  const Desk desk;
  const std::string solver = untrained(desk), c = desk / "c";
  save_weights(desk / "characters.safetensors", Weights<Network>(1), to_metadata<Network>(character_info()));
  fs::create_directories(c);
  write_png(desk / "c/2b827.png", drawn("2b827"));
  check_refused(desk.run("predict --model " + solver + " " + c + "/2b827.png"), 1,
                "reads whole CAPTCHAs, not single characters");
  check_refused(desk.run("evaluate --model " + solver + " --data " + c), 1, "use it with `captcha solve`");
  check_refused(desk.run("solve --model " + (desk / "c/2b827.png") + " x.png"), 1, "2b827.png");
  CHECK_THROWS_WITH(load_solver(desk / "characters.safetensors"),
                    Catch::Contains("reads single characters, not whole CAPTCHAs"));
  check_refused(desk.run("solve --model " + solver), 2, "FILE");
  check_refused(desk.run("solve --model " + solver + " -"), 1, "standard input: ");
  desk.write("photo.png", "\xFF\xD8\xFF");
  check_refused(desk.run("solve --model " + solver + " " + (desk / "photo.png")), 1,
                "a JPEG, expected a PNG");
  check_refused(desk.run("train-solver --drawn 0"), 2, "--data");
  const std::string train = "train-solver --out " + (desk / "run") + " --data ";
  check_refused(desk.run(train + (desk / "nowhere")), 1, "nowhere");
  write_png(desk / "c/2b82.png", drawn("2b827"));
  check_refused(desk.run(train + c), 1, "the solution '2b82': 4 of five letters");
  fs::rename(desk / "c/2b82.png", desk / "c/2b82q.png");
  check_refused(desk.run(train + c), 1, "'q' is no letter of these CAPTCHAs");
  CHECK_FALSE(fs::exists(desk / "run"));
}
