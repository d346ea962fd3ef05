// What the program refuses: wrong usage and wrong data, each in one line with the right exit code, and
// nothing half-written.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/models/resnet.hpp>

#include "captchas.hpp"
#include "catch.hpp"
#include "characters.hpp"
#include "desk.hpp"
#include "outputs.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

TEST_CASE("wrong usage is one line and exit code 2") {
  const Desk desk;
  desk.run("generate --out " + (desk / "c") + " --count 40");
  struct Case {
    std::string arguments, says;
  };
  const std::string train = "train --data " + (desk / "c") + " --out " + (desk / "run") + " ";
  const std::vector<Case> cases{{"generate", "--out"},
                                {"reed", "no command 'reed'"},
                                {"generate --out x --count 0", "--count"},
                                {"generate --out x --count many", "--count"},
                                {"generate --out x --seed -1", "--seed"},
                                {"generate --out x --colour", "--colour"},
                                {"generate --out x --first -1", "--first"},
                                {"prepare --out x", "--captchas"},
                                {"prepare --captchas x", "--out"},
                                {"prepare --captchas x --out y --variants 0", "--variants"},
                                {"prepare --captchas x --out y --seed -1", "--seed"},
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
                                {"solve x.png", "--model"},
                                {"solve --model x", "FILE"},
                                {"solve --model x --threads -1 x.png", "--threads"},
                                {"evaluate-solver --model x", "--data"},
                                {"evaluate-solver --data x", "--model"},
                                {"train-solver --drawn -1", "--drawn"},
                                {"train-solver --epochs x", "--epochs"},
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
  check_refused(desk.run(train + "--seed 010"), 2, "--seed: '010', expected a whole number, 0 or more;");
  check_refused(desk.run(train + "--learning-rate nan"), 2,
                "--learning-rate: 'nan', expected a number above 0, up to 1e30;");
  check_refused(desk.run(train + "--learning-rate 0"), 2, "'0', expected a number above 0, up to 1e30;");
  check_refused(desk.run(train + "--clip inf"), 2, "--clip: 'inf', expected a number, 0 to 1e30;");
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

TEST_CASE("what cannot be looked at is named, and the other files are answered all the same") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 20").code == 0);
  fs::create_symlink("circle", desk / "circle");
  fs::create_directories(desk / "empty");
  captcha::write_png(desk / "2b827.png", captcha::Image{50, 200, 1, std::vector<std::uint8_t>(50 * 200, 9)});
  using captcha::app::SolverNetwork;
  captcha::save_weights(desk / "solver.safetensors", captcha::Weights<SolverNetwork>(1),
                        captcha::to_metadata<SolverNetwork>(captcha::app::solver_info()));
  captcha::save_weights(desk / "model.safetensors", captcha::Weights<captcha::app::Network>(1),
                        captcha::to_metadata<captcha::app::Network>(captcha::app::character_info()));
  const std::string circle = desk / "circle", says = circle + ": Too many levels of symbolic links";
  const Outcome predicted = desk.run("predict --model " + (desk / "model.safetensors") + " " +
                                     (desk / "c/2_0.png") + " " + circle + " " + (desk / "c/3_1.png"));
  CHECK(predicted.code == 1);
  CHECK(predicted.err == "captcha: " + says + "\n");
  CHECK_THAT(predicted.out, Catch::Contains("2_0.png") && Catch::Contains("3_1.png"));
  const Outcome solved = desk.run("solve --model " + (desk / "solver.safetensors") + " " + circle + " " +
                                  (desk / "empty") + " " + (desk / "2b827.png"));
  CHECK(solved.code == 1);
  CHECK_THAT(solved.err, Catch::Contains(says) && Catch::Contains("empty: no images in this folder"));
  CHECK_THAT(solved.out, Catch::Contains("2b827.png"));
  check_refused(desk.run("data check " + circle), 1, says);
  check_refused(desk.run("evaluate --model " + circle + " --data " + (desk / "c")), 1, says);
  check_refused(desk.run("evaluate --model " + (desk / "model.safetensors") + " --data " + circle), 1, says);
  check_refused(desk.run("visualize " + circle), 1, says);
}

TEST_CASE("paths that are the same by another spelling, empty or no files are refused") {
  using captcha::app::require_apart;
  CHECK_THROWS(require_apart({{"--a", "new.onnx"}, {"--b", "./new.onnx"}}));
  CHECK_THROWS(require_apart({{"--a", "x/../new.onnx"}, {"--b", fs::absolute("new.onnx")}}));
  CHECK_NOTHROW(require_apart({{"--a", "new.onnx"}, {"--b", "other.onnx"}}));
  const Desk desk;
  fs::create_symlink("circle", desk / "circle");
  CHECK_NOTHROW(require_apart({{"--a", desk / "circle/a"}, {"--b", desk / "circle/b"}}));
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 20").code == 0);
  fs::create_directories(desk / "folder");
  check_refused(desk.run("train --data " + (desk / "c") + " --config " + (desk / "folder")), 1,
                "a folder, expected a TOML file");
  check_refused(desk.run("train --data " + (desk / "c") + " --out ''"), 2, "--out: '', expected a path");
  check_refused(desk.run("train --data " + (desk / "c") + " --freeze ''"), 2, "--freeze: '', expected none");
  check_refused(desk.run("generate --out " + (desk / "g") + " --first 18446744073709551615 --count 3"), 2,
                "--first");
  check_refused(desk.run("train --data " + (desk / "c") + " --learning-rate 1e300"), 2, "up to 1e30");
  check_refused(desk.run("help nosuch"), 2, "nosuch");
}
