// The program as a user meets it: what goes right, and one wrong value for every option, file and folder.
// Wrong usage ends with 2, wrong data with 1, both with one line on standard error and nothing half-written.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
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
struct Desk : TemporaryFolder {
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
                                {"reed", "no command 'reed'"},
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
                                {train + "--augment=perhaps", "augment"},
                                {train + "--resize=perhaps", "resize"},
                                {train + "--threads -1", "--threads"},
                                {train + "--loader-threads -1", "--loader-threads"},
                                {train + "--seed x", "--seed"},
                                {"evaluate --data x", "--model"},
                                {"evaluate --model x", "--data"},
                                {"evaluate --model x --data y --threads -1", "--threads"},
                                {"predict --model x", "FILE"},
                                {"predict --model x --threads -1 x.png", "--threads"},
                                {"predict x.png", "--model"},
                                {"bench --threads -1", "--threads"},
                                {"bench --batch 0", "--batch"},
                                {"bench --seconds 0", "--seconds"}};
  for (const Case& wrong : cases) {
    INFO(wrong.arguments);
    check_refused(desk.run(wrong.arguments), 2, wrong.says);
  }
  CHECK_FALSE(fs::exists(desk / "run"));
  CHECK_FALSE(fs::exists("x"));
}

TEST_CASE("a wrong number is told what was expected, in a few words") {
  const Desk desk;
  const std::string train = "train --data x --out y ";
  check_refused(desk.run(train + "--epochs x"), 2, "--epochs: 'x', expected a whole number, 0 or more;");
  check_refused(desk.run(train + "--epochs 2.5"), 2, "'2.5', expected a whole number");
  check_refused(desk.run(train + "--epochs 99999999999999999999"), 2, "expected a whole number");
  check_refused(desk.run(train + "--batch 0"), 2, "--batch: '0', expected a whole number, 1 to 65536;");
  check_refused(desk.run(train + "--seed -1"), 2, "--seed: '-1', expected a whole number, 0 or more;");
  check_refused(desk.run(train + "--learning-rate nan"), 2,
                "--learning-rate: 'nan', expected a number above 0;");
  check_refused(desk.run(train + "--learning-rate 0"), 2, "'0', expected a number above 0;");
  check_refused(desk.run(train + "--clip inf"), 2, "--clip: 'inf', expected a number, 0 or more;");
  check_refused(desk.run(train + "--val-fraction 1"), 2, "--val-fraction: '1', expected a number, 0 to 0.9;");
  check_refused(desk.run("generate --out x --count 0"), 2,
                "--count: '0', expected a whole number, 1 or more;");
}

TEST_CASE("a mistyped word is named, with what it may be meant for") {
  const Desk desk;
  check_refused(desk.run("generat --out x"), 2, "captcha: no command 'generat', did you mean generate?; see");
  check_refused(desk.run("data chek x"), 2, "captcha data: no command 'chek', did you mean check?; see");
  check_refused(desk.run("frobnicate"), 2, "expected one of generate, prepare, data, train, evaluate");
  check_refused(desk.run("train --epoch 3"), 2,
                "captcha train: no option --epoch, did you mean --epochs?; see");
  check_refused(desk.run("train --bach=3"), 2, "no option --bach, did you mean --batch?");
  check_refused(desk.run("predict --modle x y.png"), 2, "no option --modle, did you mean --model?");
  check_refused(desk.run("summary x"), 2, "x");
}

TEST_CASE("the options --version and --help answer and succeed") {
  const Desk desk;
  const Outcome version = desk.run("--version");
  CHECK(version.code == 0);
  CHECK_THAT(version.out, Catch::StartsWith("captcha ") && Catch::EndsWith("\n"));
  CHECK(std::count(version.out.begin(), version.out.end(), '.') == 2);
  const Outcome help = desk.run("--help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Catch::Contains("--data unseen"));
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
  desk.write("flag.toml", "seed = 2\nresize = \"perhaps\"\n");
  desk.write("opposite.toml", "no-augment = true\n");

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
  check_refused(desk.run(train + c + " --config " + (desk / "type.toml")), 1,
                "type.toml:1: --epochs: 'many', expected a whole number, 0 or more");
  check_refused(desk.run(train + c + " --config " + (desk / "flag.toml")), 1,
                "flag.toml:2: 'resize' must be true or false");
  check_refused(desk.run(train + c + " --config " + (desk / "opposite.toml")), 1, "'no-augment'");
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

TEST_CASE("data check names files that show the same, and calls different labels for them wrong") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  for (int copy = 1; copy <= 5; ++copy)
    fs::copy(desk / "c/2_0.png", desk / ("c/2_copy" + std::to_string(copy) + ".png"));
  const Outcome harmless = desk.run("data check " + (desk / "c"));
  CHECK(harmless.code == 0);
  CHECK_THAT(harmless.out,
             Catch::Contains("same pixels: 2_0.png 2_copy1.png 2_copy2.png 2_copy3.png and 2 more\n"));

  fs::copy(desk / "c/3_1.png", desk / "c/b_99.png");
  const Outcome wrong = desk.run("data check " + (desk / "c"));
  CHECK(wrong.code == 1);
  CHECK_THAT(wrong.out, Catch::Contains("bad: same pixels, different labels: 3_1.png b_99.png\n"));
  const Outcome json = desk.run("data check --json " + (desk / "c"));
  CHECK(json.code == 1);
  CHECK_THAT(json.out, Catch::Contains("\"duplicates\": 6") && Catch::Contains("same_pixels_other_label"));
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
  CHECK_THAT(desk.text("run/config.toml"),
             Catch::Contains("epochs = 2") && Catch::Contains("batch = 10") &&
                 Catch::Contains("label-smoothing = 0.1") && Catch::Contains("seed = 1\n") &&
                 Catch::Contains("augment = true\n") && Catch::Contains("resize = false\n") &&
                 Catch::Contains("learning-rate = 0.002\n"));
  check_refused(desk.run(train), 1, "holds a run already");
  CHECK(desk.run("train --quiet --resume --out " + (desk / "run")).code == 0);
  check_refused(desk.run("train --quiet --resume --mixup 0.2 --out " + (desk / "run")), 1, "mixup 0.2");
  check_refused(desk.run("train --quiet --resume --no-augment --out " + (desk / "run")), 1,
                "augmentation no");

  const Outcome table =
      desk.run("evaluate --model " + (desk / "run/final.safetensors") + " --data " + (desk / "c"));
  CHECK(table.code == 0);
  CHECK_THAT(table.out,
             Catch::Contains("taken for\n") && !Catch::Contains(" \n") && !Catch::Contains(" x 1"));

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

TEST_CASE("what a run was told is written so that it reads back the same") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "007") + " --count 60").code == 0);
  desk.write("given.toml", "augment = false\nresize = true\nclip = 2.5\n");
  const Outcome trained = desk.run("train --quiet --threads 0 --epochs 1 --data " + (desk / "007") +
                                   " --out " + (desk / "run") + " --config " + (desk / "given.toml") +
                                   " --label-smoothing 0.05 --average 0.9 --seed 18446744073709551615");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const std::string settled = desk.text("run/config.toml");
  for (const char* line : {"augment = false\n", "resize = true\n", "clip = 2.5\n", "label-smoothing = 0.05\n",
                           "average = 0.9\n", "epochs = 1\n", "freeze = 'none'\n"})
    CHECK_THAT(settled, Catch::Contains(line));
  CHECK_THAT(settled, Catch::Contains("18446744073709551615"));
  CHECK(desk.run("train --quiet --epochs 1 --out " + (desk / "again") + " --config " +
                 (desk / "run/config.toml"))
            .code == 0);
  CHECK(desk.text("again/metrics.csv").substr(0, 40) == desk.text("run/metrics.csv").substr(0, 40));
  CHECK_THAT(desk.run("train --quiet --no-augment --resize --epochs 1 --data " + (desk / "007") + " --out " +
                      (desk / "flags"))
                 .err,
             Catch::Equals(""));
  CHECK_THAT(desk.text("flags/config.toml"),
             Catch::Contains("augment = false\n") && Catch::Contains("resize = true\n"));
}
