// The program as a user meets it: what its commands do, write and say. What it refuses: refusals.test.cpp.
#include <captcha/io/weights_file.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/model/packed_weights.hpp>
#include <captcha/models/resnet.hpp>

#include "captchas.hpp"
#include "catch.hpp"
#include "characters.hpp"
#include "desk.hpp"
#include "foreign_file.hpp"
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

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

TEST_CASE("bad images end a training, are left out of it, or are moved away, and are named and counted") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  REQUIRE(desk.run("generate --out " + (desk / "v") + " --count 20 --seed 2").code == 0);
  desk.write("c/2_bad.png", "no picture");
  fs::copy(desk / "c/2_0.png", desk / "c/Q_1.png");
  fs::copy(desk / "c/3_1.png", desk / "c/3_cut.png");
  fs::resize_file(desk / "c/3_cut.png", fs::file_size(desk / "c/3_cut.png") - 20);
  fs::create_symlink("nothing.png", desk / "v/4_link.png");
  const std::string picture = desk.text("c/3_cut.png");
  const auto train = [&](const std::string& run, const std::string& options) {
    return desk.run("train --quiet --epochs 1 --no-augment --data " + (desk / "c") + "/ --out " +
                    (desk / run) + " " + options);
  };
  const std::string val = " --val-data " + (desk / "v");
  const auto images = [&](const std::string& folder) {
    return std::distance(fs::directory_iterator(desk.path / folder), {});
  };

  check_refused(train("run", ""), 1, "c/2_bad.png: not a PNG");
  check_refused(train("run", "--on-bad-image fail"), 1, "c/2_bad.png: not a PNG");
  CHECK_FALSE(fs::exists(desk / "run"));
  CHECK(images("c") == 43);

  const Outcome skipped = train("skipped", "--on-bad-image skip" + val);
  CHECK(skipped.code == 0);
  CHECK_THAT(skipped.err,
             Catch::Contains("bad image: " + (desk / "c/2_bad.png") + ": not a PNG") &&
                 Catch::Contains("bad image: " + (desk / "c/3_cut.png") + ": PNG cut short") &&
                 Catch::Contains("bad image: " + (desk / "c/Q_1.png") + ": label 'Q'") &&
                 Catch::Contains("bad image: " + (desk / "v/4_link.png") + ": cannot be opened") &&
                 Catch::EndsWith("4 bad images were left out; named above\n"));
  CHECK(images("c") == 43);
  CHECK(images("v") == 21);

  desk.write("c.quarantine", "a file in the folder's place");
  const Outcome taken = train("run", "--on-bad-image quarantine");
  check_refused(taken, 1, "c/2_bad.png: cannot be moved to ");
  CHECK_FALSE(fs::exists(desk / "run"));
  CHECK(images("c") == 43);
  fs::remove(desk / "c.quarantine");

  const Outcome moved = train("moved", "--on-bad-image quarantine" + val);
  CHECK(moved.code == 0);
  CHECK_THAT(moved.err, Catch::Contains("; moved to " + (desk / "c.quarantine/2_bad.png") + "\n") &&
                            Catch::EndsWith("4 bad images were left out; named above\n"));
  CHECK(desk.text("c.quarantine/2_bad.png") == "no picture");
  CHECK(desk.text("c.quarantine/3_cut.png") == picture);
  CHECK(fs::exists(desk / "c.quarantine/Q_1.png"));
  CHECK(fs::is_symlink(desk / "v.quarantine/4_link.png"));
  CHECK(images("c") == 40);
  CHECK(images("c.quarantine") == 3);
  CHECK(images("v") == 20);
  CHECK(images("v.quarantine") == 1);

  CHECK(desk.run("data check " + (desk / "c")).code == 0);
  const Outcome again = train("again", "--on-bad-image quarantine" + val);
  CHECK(again.code == 0);
  CHECK(again.err.empty());
  CHECK(desk.text("again/final.safetensors") == desk.text("skipped/final.safetensors"));
}

TEST_CASE("weights of other writers load, with a note that nothing tells whether they are whole") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  const std::string train = "train --epochs 1 --no-augment --data " + (desk / "c");
  const std::string foreign = desk / "foreign.safetensors";
  const std::string note = "note: " + foreign + ": no hashes, so its integrity cannot be checked\n";
  write_foreign(foreign, {{"fc.bias", {20}, std::vector<float>(20, 0.5f)}}, R"({"format": "pt"})");
  const Outcome trained = desk.run(train + " --pretrained " + foreign + " --out " + (desk / "one"));
  CHECK(trained.code == 0);
  CHECK_THAT(trained.err, Catch::Contains(note));
  CHECK_THAT(trained.out, Catch::Contains(foreign + ": loaded 1 tensors; missing: "));

  const std::string own = desk / "own.safetensors";
  captcha::save_weights(own, captcha::Weights<captcha::Linear<512, 20>>(1), {{"who", "we"}});
  write_foreign(foreign, {{"fc.bias", {20}, std::vector<float>(20, 0.5f)}}, R"({"captcha.format": "99"})");
  const auto refused = [&](const std::string& file, const std::string& says) {
    check_refused(desk.run(train + " --quiet --pretrained " + file + " --out " + (desk / "two")), 1,
                  file + ": " + says);
  };
  refused(foreign, "model format 99, this program knows format 1; use a newer one");
  refused(own, "no tensor fits the network");
  fs::resize_file(foreign, fs::file_size(foreign) - 1);
  refused(foreign, "tensor \"fc.bias\", data 0 to 80: the file has only 79 bytes of data");

  // A model of ours from which somebody dropped the hashes still reads.
  using Net = captcha::ResNet18<20, 1>;
  const captcha::Weights<Net> weights(1);
  std::vector<ForeignTensor> tensors;
  for (const auto& placed : captcha::Weights<Net>::slots()) {
    ForeignTensor& tensor = tensors.emplace_back(ForeignTensor{placed.name, {}, weights.get(placed)});
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      tensor.shape.push_back(placed.slot.extent(axis));
  }
  write_foreign(
      foreign, tensors,
      R"({"captcha.format": "1", "captcha.architecture": "resnet18", "captcha.input": "1 x 52 x 32",)"
      R"( "captcha.normalisation": "standardise", "captcha.classes": "[\"2\",\"3\",\"4\",\"5\",\"6\",)"
      R"(\"7\",\"8\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"m\",\"n\",\"p\",\"w\",\"x\",\"y\"]"})");
  const Outcome read = desk.run("predict --model " + foreign + " " + (desk / "c/2_0.png"));
  CHECK(read.code == 0);
  CHECK(read.err == note);
  CHECK_THAT(desk.run("summary --model " + foreign).out, Catch::Contains("no hashes"));
}

TEST_CASE("a run does not go on from other pretrained weights, and needs not read its own again") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  const std::string weights = desk / "weights.safetensors", run = desk / "run";
  captcha::save_weights(weights, captcha::Weights<captcha::app::Network>(1));
  const std::string train = "train --quiet --epochs 2 --batch 19 --checkpoint-steps 1 --data " +
                            (desk / "c") + " --out " + run + " --pretrained " + weights;
  REQUIRE(desk.run(train).code == 0);
  fs::remove(weights);
  CHECK(desk.run("train --quiet --resume --out " + run).code == 0);
  check_refused(desk.run("train --quiet --resume --out " + run + " --pretrained other.safetensors"), 1,
                "then pretrained '" + weights + "'; now pretrained 'other.safetensors'");
}

TEST_CASE("freezing random weights is done, with a warning") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  const Outcome frozen = desk.run("train --quiet --epochs 1 --freeze backbone --data " + (desk / "c") +
                                  " --out " + (desk / "run"));
  CHECK(frozen.code == 0);
  CHECK_THAT(frozen.err, Catch::Contains("warning: --freeze backbone without --pretrained"));
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
  for (const char* name : {"config.toml", "metrics.jsonl", "metrics.csv", "checkpoint-00000008.safetensors",
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

TEST_CASE("a model is exported as ONNX, as a header and as plain weights, each file whole or not at all") {
  const Desk desk;
  const std::string model = desk / "model.safetensors";
  captcha::save_weights(model, captcha::Weights<captcha::app::Network>(1),
                        captcha::to_metadata<captcha::app::Network>(captcha::app::character_info()));
  const std::string from = "export --model " + model;
  const Outcome all = desk.run(from + " --onnx " + (desk / "a.onnx") + " --header " + (desk / "weights.hpp") +
                               " --safetensors " + (desk / "bare.safetensors") + " --plain");
  INFO(all.err);
  CHECK(all.code == 0);
  CHECK(std::count(all.out.begin(), all.out.end(), '\n') == 4);
  CHECK_THAT(all.out,
             Catch::Contains("a.onnx: 44.71 MB\n") && Catch::Contains("weights.hpp.bin: 73.01 MB\n"));
  CHECK_THAT(desk.text("weights.hpp"), Catch::Contains("using Net = captcha::ResNet18<20, 1>;") &&
                                           Catch::Contains("chw(1, 52, 32)") &&
                                           Catch::Contains("\"x\", \"y\"}"));
  const auto bare = captcha::SafetensorsFile::read(desk / "bare.safetensors");
  CHECK(bare.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  CHECK(bare.tensors().size() == 102);

  CHECK(desk.run(from + " --quiet --no-fold --with-standardise --onnx " + (desk / "raw.onnx")).out.empty());
  CHECK(fs::file_size(desk / "raw.onnx") > fs::file_size(desk / "a.onnx"));
  REQUIRE(desk.run(from + " --quiet --safetensors " + (desk / "again.safetensors")).code == 0);
  CHECK(desk.run("summary --model " + (desk / "again.safetensors")).code == 0);

  check_refused(desk.run(from), 2, "captcha export: one of --onnx, --header and --safetensors is required");
  const std::string onnx = " --onnx " + (desk / "c.onnx"), header = " --header " + (desk / "c.hpp");
  check_refused(desk.run(from + " --onnx " + model), 2, "--onnx: the same file as --model, ");
  check_refused(desk.run(from + onnx + " --safetensors " +
                         (desk / ("../" + desk.path.filename().string() + "/c.onnx"))),
                2, "--safetensors: the same file as --onnx, ");
  check_refused(desk.run("evaluate --model " + model + " --data x --csv " + model), 2,
                "--csv: the same file as --model");
  check_refused(desk.run("summary --model " + desk.path.string()), 1, "a folder, expected a model file");
  check_refused(desk.run(from + onnx + " --half"), 2, "--half requires --header or --safetensors");
  check_refused(desk.run(from + onnx + " --plain"), 2, "--plain requires --safetensors");
  check_refused(desk.run(from + header + " --no-fold"), 2, "requires --onnx");
  check_refused(desk.run(from + header + " --with-standardise"), 2, "requires --onnx");
  check_refused(desk.run(from + " --onnx " + (desk / "nowhere/a.onnx")), 1, "nowhere/a.onnx");
  check_refused(desk.run(from + " --header " + (desk / "my-weights.hpp")), 1, "'my-weights'");
  check_refused(desk.run("export --model " + (desk / "raw.onnx") + " --onnx " + (desk / "b.onnx")), 1,
                "raw.onnx");
  for (const auto& entry : fs::directory_iterator(desk.path))
    CHECK_THAT(entry.path().filename().string(),
               !Catch::StartsWith(".unfinished") && !Catch::Contains("my-weights"));
}

// The text that the header has must name the solver's network.
#define SPELLED                                                                                        \
  captcha::ResNet<captcha::BasicBlock, captcha::ResNetOptions{.channels = 1, .width = 32}>::ending_in< \
      captcha::AvgPool2d<captcha::Pool{.kernel = {2, 1}, .stride = {2, 1}}>, captcha::Flatten,         \
      captcha::Named<"fc", captcha::Linear<1792, 100>>>
#define TEXT_OF(...) #__VA_ARGS__
#define TEXT_OF_EXPANDED(...) TEXT_OF(__VA_ARGS__)

TEST_CASE("a solver is exported like a network for characters") {
  using captcha::app::SolverNetwork;
  CHECK(captcha::fingerprint<SPELLED>() == captcha::fingerprint<SolverNetwork>());
  STATIC_REQUIRE(captcha::PackedWeights<SPELLED, captcha::app::captcha_shape>::size ==
                 captcha::PackedWeights<SolverNetwork, captcha::app::captcha_shape>::size);
  const Desk desk;
  const std::string model = desk / "model.safetensors";
  captcha::save_weights(model, captcha::Weights<SolverNetwork>(1),
                        captcha::to_metadata<SolverNetwork>(captcha::app::solver_info()));
  const Outcome exported = desk.run("export --model " + model + " --onnx " + (desk / "s.onnx") +
                                    " --header " + (desk / "solver.hpp"));
  INFO(exported.err);
  CHECK(exported.code == 0);
  const auto packed = [](std::string text) {
    std::erase(text, ' ');
    return text;
  };
  CHECK_THAT(packed(desk.text("solver.hpp")),
             Catch::Contains(packed("using Net = " TEXT_OF_EXPANDED(SPELLED) ";\n")) &&
                 Catch::Contains(packed("input = captcha::chw(1, 50, 200);\n")));
  CHECK(10 * fs::file_size(desk / "s.onnx") > 39 * captcha::parameter_count<SolverNetwork>);
  const Outcome described = desk.run("summary --model " + model);
  CHECK(described.code == 0);
  CHECK_THAT(described.out, Catch::Contains("captcha.architecture: resnet18-5heads") &&
                                Catch::Contains("1 x 50 x 200") && !Catch::Contains("1 x 52 x 32"));
}

TEST_CASE("a model whose weights are no numbers reads nothing") {
  using captcha::app::Network;
  const Desk desk;
  captcha::Weights<Network> weights(1);
  std::vector<float> bias(20, 0);
  bias[3] = std::numeric_limits<float>::quiet_NaN();
  weights.set(weights.slot("fc.bias"), std::span<const float>(bias));
  const std::string model = desk / "broken.safetensors";
  captcha::save_weights(model, weights, captcha::to_metadata<Network>(captcha::app::character_info()));
  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 20").code == 0);
  check_refused(desk.run("predict --model " + model + " " + (desk / "c/2_0.png")), 1, "is not a number");
  check_refused(desk.run("evaluate --quiet --model " + model + " --data " + (desk / "c")), 1, "not a number");
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
                           "average = 0.9\n", "epochs = 1\n", "freeze = \"none\"\n"})
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

TEST_CASE("Ctrl-C stops a run, which says how to go on and then ends with the model of one never stopped") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 60").code == 0);
  const std::string train =
      "train --quiet --threads 1 --epochs 2 --batch 10 --val-fraction 0.2 --data " + (desk / "c") + " --out ";
  REQUIRE(desk.run(train + (desk / "whole")).code == 0);

  const pid_t program = desk.start(train + (desk / "run") + " --checkpoint-steps 2");
  const fs::path first = desk.path / "run" / "checkpoint-00000002.safetensors";
  for (int i = 0; i < 6000 && !fs::exists(first); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(fs::exists(first));
  ::kill(program, SIGINT);
  const Outcome stopped = desk.wait(program);
  INFO(stopped.err);
  CHECK(stopped.code == 130);
  CHECK_THAT(stopped.err,
             Catch::StartsWith("stopped after step ") &&
                 Catch::EndsWith("; go on with: captcha train --resume --out " + (desk / "run") + "\n"));
  CHECK_FALSE(fs::exists(desk.path / "run" / "final.safetensors"));
  CHECK_FALSE(fs::exists(desk.path / "run" / "lock"));

  // The line that it said, word for word.
  const std::string& said = stopped.err;
  const Outcome resumed = desk.run(
      said.substr(said.find("train --resume"), said.find('\n') - said.find("train --resume")) + " --quiet");
  INFO(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(desk.text("run/final.safetensors") == desk.text("whole/final.safetensors"));
  CHECK(desk.text("run/best.safetensors") == desk.text("whole/best.safetensors"));
}
