// The program as a user meets it: what goes right, and one wrong value for every option, file and folder.
// Wrong usage ends with 2, wrong data with 1, both with one line on standard error and nothing half-written.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>

#include "catch.hpp"
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

/// A folder for everything the tests of this file write; removed at the end of a test.
struct Desk {
  fs::path path = fs::temp_directory_path() / "captcha-test-commands";
  Desk() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Desk() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return (path / name).string(); }

  std::string text(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path / name).rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }

  Outcome run(const std::string& arguments) const {
    const std::string command = std::string(CAPTCHA_PROGRAM) + " " + arguments + " > '" + (*this / "out") +
                                "' 2> '" + (*this / "err") + "' < /dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("out"), text("err")};
  }
};

void check_refused(const Outcome& outcome, int code, const std::string& says) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK_THAT(outcome.err, Catch::Contains(says));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.out.empty());
}

}  // namespace

TEST_CASE("wrong usage is one line and exit code 2") {
  const Desk desk;
  desk.run("generate --out " + (desk / "c") + " --count 40");
  struct Case {
    std::string arguments, says;
  };
  const std::string train = "train --data " + (desk / "c") + " --out " + (desk / "run") + " ";
  const std::vector<Case> cases{{"", "subcommand"},
                                {"reed", "subcommand"},
                                {"generate", "--out"},
                                {"generate --out x --count 0", "--count"},
                                {"generate --out x --count many", "--count"},
                                {"generate --out x --seed -1", "--seed"},
                                {"generate --out x --colour", "--colour"},
                                {"generate --out x --first -1", "--first"},
                                {"prepare --out x", "--captchas"},
                                {"prepare --captchas x", "--out"},
                                {"prepare --captchas x --out y --variants 0", "--variants"},
                                {"prepare --captchas x --out y --seed -1", "--seed"},
                                {"data", "subcommand"},
                                {"data check", "DIR"},
                                {"train", "--data"},
                                {train + "--epochs -1", "--epochs"},
                                {train + "--batch 0", "--batch"},
                                {train + "--learning-rate 0", "--learning-rate"},
                                {train + "--weight-decay -1", "--weight-decay"},
                                {train + "--label-smoothing 1", "--label-smoothing"},
                                {train + "--val-fraction 1", "--val-fraction"},
                                {train + "--group author", "--group"},
                                {train + "--mixup -1", "--mixup"},
                                {train + "--average 1", "--average"},
                                {train + "--clip -1", "--clip"},
                                {train + "--patience some", "--patience"},
                                {train + "--augment perhaps", "--augment"},
                                {train + "--resize perhaps", "--resize"},
                                {train + "--threads -1", "--threads"},
                                {train + "--loader-threads -1", "--loader-threads"},
                                {train + "--seed x", "--seed"},
                                {"evaluate --data x", "--model"},
                                {"evaluate --model x", "--data"},
                                {"evaluate --model x --data y --threads -1", "--threads"},
                                {"predict --model x", "FILE"},
                                {"predict --model x --threads -1 x.png", "--threads"},
                                {"predict x.png", "--model"},
                                {"bench --threads 0", "--threads"},
                                {"bench --batch 0", "--batch"},
                                {"bench --seconds 0", "--seconds"}};
  for (const Case& wrong : cases) {
    INFO(wrong.arguments);
    check_refused(desk.run(wrong.arguments), 2, wrong.says);
  }
  CHECK_FALSE(fs::exists(desk / "run"));
  CHECK_FALSE(fs::exists("x"));
}

TEST_CASE("wrong data are one line, exit code 1, and nothing half-written") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  fs::create_directories(desk / "empty");
  desk.write("text.png", "this is no picture");
  desk.write("notes.safetensors", "this is no model");
  captcha::save_weights(desk / "other.safetensors",
                        captcha::Weights<captcha::ResNet18<3, 1, captcha::Stem::small, 2>>(1));
  fs::create_directories(desk / "labels");
  captcha::write_png(desk / "labels/Q_1.png",
                     captcha::Image{52, 32, 1, std::vector<std::uint8_t>(52 * 32, 9)});
  fs::create_directories(desk / "sizes");
  captcha::write_png(desk / "sizes/a_1.png",
                     captcha::Image{50, 48, 1, std::vector<std::uint8_t>(50 * 48, 9)});
  fs::create_directories(desk / "words");
  captcha::write_png(desk / "words/ab.png",
                     captcha::Image{50, 200, 1, std::vector<std::uint8_t>(50 * 200, 200)});
  desk.write("unknown.toml", "epochs = 3\ncolour = \"red\"\n");
  desk.write("broken.toml", "epochs = = 3\n");
  desk.write("type.toml", "epochs = \"many\"\n");

  const std::string train = "train --out " + (desk / "run") + " --data ";
  const std::string c = desk / "c";
  check_refused(desk.run("generate --out " + c), 1, "c");
  check_refused(desk.run("prepare --captchas " + (desk / "nowhere") + " --out " + (desk / "p")), 1,
                "nowhere");
  check_refused(desk.run("prepare --captchas " + (desk / "empty") + " --out " + (desk / "p")), 1,
                "no images");
  check_refused(desk.run("prepare --captchas " + (desk / "words") + " --out " + (desk / "p")), 1, "ab");
  check_refused(desk.run("data check " + (desk / "nowhere")), 1, "nowhere");
  check_refused(desk.run("data check " + (desk / "empty")), 1, "no images");
  check_refused(desk.run(train + (desk / "nowhere")), 1, "nowhere");
  check_refused(desk.run(train + (desk / "empty")), 1, "no usable image");
  check_refused(desk.run(train + (desk / "labels")), 1, "'Q'");
  check_refused(desk.run(train + (desk / "sizes")), 1, "48 x 50");
  check_refused(desk.run(train + c + " --quiet --val-data " + (desk / "nowhere")), 1, "nowhere");
  check_refused(desk.run(train + c + " --quiet --pretrained " + (desk / "notes.safetensors")), 1,
                "notes.safetensors");
  check_refused(desk.run(train + c + " --quiet --freeze layer9"), 1, "layer9");
  check_refused(desk.run("train --quiet --data " + c + " --out " + (desk / "notes.safetensors")), 1,
                "notes.safetensors");
  check_refused(desk.run(train + c + " --config " + (desk / "nowhere.toml")), 1, "nowhere.toml");
  check_refused(desk.run(train + c + " --config " + (desk / "unknown.toml")), 1, "'colour'");
  check_refused(desk.run(train + c + " --config " + (desk / "broken.toml")), 1, "broken.toml:1");
  check_refused(desk.run(train + c + " --config " + (desk / "type.toml")), 1, "--epochs");
  for (const char* model : {"notes.safetensors", "other.safetensors", "nowhere.safetensors"}) {
    check_refused(desk.run("evaluate --model " + (desk / model) + " --data " + c), 1, model);
    check_refused(desk.run("predict --model " + (desk / model) + " " + (desk / "text.png")), 1, model);
    check_refused(desk.run("summary --model " + (desk / model)), 1, model);
  }
  CHECK_FALSE(fs::exists(desk / "run"));
  CHECK_FALSE(fs::exists(desk / "p"));
}

TEST_CASE("data check names bad files and counts the rest") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  CHECK(desk.run("data check " + (desk / "c")).code == 0);
  desk.write("c/2_bad.png", "no picture");
  fs::copy(desk / "c/2_0.png", desk / "c/2_copy.png");
  const Outcome found = desk.run("data check --json " + (desk / "c"));
  CHECK(found.code == 1);
  CHECK_THAT(found.out, Catch::Contains("\"images\": 42") && Catch::Contains("2_bad.png") &&
                            Catch::Contains("\"duplicates\": 1"));
}

TEST_CASE("a run writes what it promises, resumes, and its model evaluates and predicts") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 60").code == 0);
  desk.write("few.toml", "epochs = 2\nbatch = 20\nlabel-smoothing = 0.1\n");
  const std::string train = "train --quiet --threads 2 --data " + (desk / "c") + " --out " + (desk / "run");
  const Outcome trained =
      desk.run(train + " --config " + (desk / "few.toml") + " --batch 10 --val-fraction 0.2");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(trained.out.empty());
  for (const char* name : {"config.toml", "metrics.jsonl", "metrics.csv", "last.safetensors",
                           "best.safetensors", "final.safetensors"})
    CHECK(fs::exists(desk.path / "run" / name));
  CHECK_THAT(desk.text("run/config.toml"), Catch::Contains("epochs = 2") && Catch::Contains("batch = 10") &&
                                               Catch::Contains("label-smoothing = 0.1") &&
                                               Catch::Contains("seed = 1"));
  check_refused(desk.run(train), 1, "holds a run already");
  CHECK(desk.run("train --quiet --resume --out " + (desk / "run")).code == 0);

  const std::string model = " --model " + (desk / "run/final.safetensors");
  const Outcome judged =
      desk.run("evaluate --json" + model + " --data " + (desk / "c") + " --sheet " + (desk / "sheet.png"));
  REQUIRE(judged.code == 0);
  CHECK_THAT(judged.out, Catch::Contains("\"images\": 60") && Catch::Contains("\"accuracy\"") &&
                             Catch::Contains("\"top3\"") && Catch::Contains("\"loss\"") &&
                             Catch::Contains("\"confusion\"") && Catch::Contains("\"classes\""));
  CHECK(desk.text("sheet.png").starts_with("\x89PNG"));
  check_refused(desk.run("evaluate --json" + model + " --data " + (desk / "c") + " --sheet " +
                         (desk / "nowhere/sheet.png")),
                1, "nowhere/sheet.png");
  const Outcome read = desk.run("predict --json" + model + " " + (desk / "c/2_0.png"));
  REQUIRE(read.code == 0);
  CHECK_THAT(read.out, Catch::Contains("\"label\"") && Catch::Contains("\"probability\""));
  const Outcome half = desk.run("predict" + model + " " + (desk / "c/2_0.png") + " " + (desk / "few.toml"));
  CHECK(half.code == 1);
  CHECK_THAT(half.err, Catch::Contains("few.toml"));
  CHECK_THAT(half.out, Catch::Contains("2_0.png"));
  CHECK(desk.run("summary" + model).code == 0);

  std::string damaged = desk.text("run/final.safetensors");
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 4);
  std::ofstream(desk.path / "damaged.safetensors", std::ios::binary) << damaged;
  check_refused(desk.run("predict --model " + (desk / "damaged.safetensors") + " " + (desk / "c/2_0.png")), 1,
                "damaged");
}
