// The command line of `captcha`. Exit codes: 0 success, 1 something is wrong with the data, 2 wrong usage,
// 128 + the number of the signal that ended it.
#include <captcha/core/error.hpp>
#include <captcha/data/jpeg.hpp>
#include <captcha/train/log.hpp>
#include <captcha/train/run_folder.hpp>

#include "commands.hpp"
#include "config.hpp"
#include "generate.hpp"
#include "option_checks.hpp"
#include "prepare.hpp"
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {
namespace {

constexpr int exit_data = 1;
constexpr int exit_usage = 2;

/// A subcommand under way: what to do when it was the one given.
struct Choice {
  CLI::App* command = nullptr;
  std::function<int(CLI::App&)> run{};
};

CLI::App* add_command(CLI::App& parent, std::vector<Choice>& choices, const std::string& name,
                      const std::string& description, std::function<int(CLI::App&)> run) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->option_defaults()->always_capture_default();
  choices.push_back({command, std::move(run)});
  return command;
}

/// Reads the configuration of a training run, which a resumed one finds in its own folder, and writes down
/// what was settled.
int configured_train(CLI::App& command, TrainArguments& a, std::filesystem::path& config) {
  const std::filesystem::path own = a.out / "config.toml";
  if (config.empty() && a.resume && std::filesystem::exists(own)) config = own;
  if (!config.empty()) apply_config(command, config);
  if (a.data.empty()) throw CLI::RequiredError("--data");
  if (!checkpoints_of(a.out).empty() && !a.resume)
    throw Error(a.out.string() + ": holds a run already; give --resume to go on with it, or another --out");
  const std::string settled = resolved_config(command);
  return train(a, [settled, own] { write_text(own, settled); });
}

int run(int argc, char** argv) {
  CLI::App app("Reads CAPTCHA characters with a ResNet-18 that it trains itself.", "captcha");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 success, 1 something is wrong with the data, 2 wrong usage,\n"
      "130 and 143 stopped by SIGINT (Ctrl-C) or SIGTERM.\n\n"
      "A first walk:\n"
      "  captcha generate --out characters --count 5000 --seed 1\n"
      "  captcha generate --out unseen --count 1000 --seed 2\n"
      "  captcha train --data characters --out runs/first\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen");
  app.set_version_flag("--version", "captcha " CAPTCHA_VERSION, "Print the version and exit");
  std::vector<Choice> choices;

  GenerateOptions generating;
  CLI::App* c = add_command(app, choices, "generate", "Draw characters like the data set's", [&](CLI::App&) {
    generate(generating);
    std::printf("%zu characters in %s\n", generating.count, generating.out.c_str());
    return 0;
  });
  c->add_option("--out", generating.out, "Folder for the images")->required();
  c->add_option("--count", generating.count, "How many images")->check(whole(1));
  c->add_option("--seed", generating.seed, "Of everything that is drawn by chance")->check(whole(0));
  c->add_option("--first", generating.first, "Number of the first image, to add more of the same seed")
      ->check(whole(0));
  c->add_flag("--add", generating.add, "Write into a folder that holds files");

  PrepareOptions preparing;
  c = add_command(app, choices, "prepare", "Cut labelled CAPTCHAs into characters", [&](CLI::App&) {
    const PrepareReport report = prepare(preparing);
    std::printf("%zu characters of %zu CAPTCHAs in %s\n", report.characters, report.captchas,
                preparing.out.c_str());
    for (const std::string& line : report.skipped) std::fprintf(stderr, "skipped: %s\n", line.c_str());
    return 0;
  });
  c->add_option("--captchas", preparing.captchas, "Folder of 200 x 50 PNG images named by their solution")
      ->required();
  c->add_option("--out", preparing.out, "Folder for the characters")->required();
  c->add_option("--variants", preparing.variants, "Pictures of each character, with the box moved a little")
      ->check(whole(1));
  c->add_option("--seed", preparing.seed, "Of those moves")->check(whole(0));
  c->add_flag("--add", preparing.add, "Write into a folder that holds files");
  c->add_flag_callback(
      "--trust-jpeg", [&] { preparing.read_jpeg = read_jpeg; },
      "Read JPEG files too; only for files you trust: the decoder has open security holes");

  CLI::App* data = app.add_subcommand("data", "Look at folders of characters");
  data->require_subcommand(1);
  CheckArguments checking;
  c = add_command(*data, choices, "check", "Count classes and sizes, name bad files",
                  [&](CLI::App&) { return check(checking); });
  c->add_option("DIR", checking.data, "Folder of characters")->required();
  c->add_flag("--json", checking.json, "Print JSON");

  TrainArguments t;
  std::filesystem::path config;
  c = add_command(app, choices, "train", "Teach the network the characters of a folder",
                  [&](CLI::App& command) { return configured_train(command, t, config); });
  c->add_option("--data", t.data, "Folder of characters: <label>_<anything>.png");
  c->add_option("--val-data", t.val_data, "Folder to judge by; else a part of --data is kept back");
  c->add_option("--val-fraction", t.val_fraction, "The part of --data that is kept back")
      ->check(from_zero_to(0.9));
  c->add_option("--group", t.group, "Keep the characters of one CAPTCHA on one side of that split")
      ->check(CLI::IsMember({"source", "none"}));
  c->add_option("--config", config, "TOML file with any of these options; the command line wins");
  c->add_option("--out", t.out, "Folder of the run");
  c->add_option("--epochs", t.epochs, "Times through the data; 0: as many as show 100 000 images")
      ->check(whole(0));
  c->add_option("--batch", t.batch, "Images a step")->check(whole(1, 65536));
  c->add_option("--learning-rate", t.learning_rate, "Highest rate of the one-cycle schedule")
      ->check(above_zero());
  c->add_option("--weight-decay", t.weight_decay, "AdamW's, on weights of convolutions and the classifier")
      ->check(not_negative());
  c->add_option("--label-smoothing", t.label_smoothing, "Share of the target spread over all classes")
      ->check(from_zero_to(0.9));
  c->add_option("--mixup", t.mixup, "Blend images, with weights from Beta(a, a); 0: do not")
      ->check(not_negative());
  c->add_option("--average", t.average, "Decay of a moving average of the weights; 0: none")
      ->check(from_zero_to(0.99999));
  c->add_option("--clip", t.clip, "Longest gradient; 0: no limit")->check(not_negative());
  c->add_option("--patience", t.patience, "Stop after so many epochs without a new best; 0: never")
      ->check(whole(0));
  c->add_option("--checkpoint-steps", t.checkpoint_steps,
                "Save the run after so many steps, besides the end of every epoch; 0: do not")
      ->check(whole(0));
  c->add_option("--keep", t.keep, "Checkpoints that stay")->check(whole(1));
  c->add_flag("--augment,!--no-augment", t.augment,
              "Turn, shift, blur and strike through training images, or do not; by default they are")
      ->default_str(t.augment ? "true" : "false");
  c->add_flag("--resize", t.resize, "Accept images of other sizes");
  c->add_option(
       "--on-bad-image", t.on_bad_image,
       "What becomes of images that cannot be used: fail, skip, or quarantine (moved to DATA.quarantine)")
      ->check(CLI::IsMember({"fail", "skip", "quarantine"}));
  c->add_option("--pretrained", t.pretrained,
                "Start from these weights (safetensors, torchvision's or timm's names)");
  c->add_option("--freeze", t.freeze,
                "Leave as they are: none, backbone (all but the classifier), or a prefix like layer1");
  c->add_option("--threads", t.threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--loader-threads", t.loader_threads, "Threads that prepare images; 0: those that compute")
      ->check(whole(0, 1024));
  c->add_option("--seed", t.seed, "Same seed, same weights")->check(whole(0));
  c->add_flag("--resume", t.resume, "Go on with the run in --out");
  c->add_flag("--quiet", t.quiet, "Print nothing but errors");

  EvaluateArguments e;
  c = add_command(app, choices, "evaluate", "Measure how well a model reads a folder",
                  [&](CLI::App&) { return evaluate(e); });
  c->add_option("--model", e.model, "Model file of a run")->required();
  c->add_option("--data", e.data, "Folder of characters")->required();
  c->add_option("--sheet", e.sheet, "Write a PNG that shows what was read wrongly");
  c->add_option("--threads", e.threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", e.resize, "Accept images of other sizes");
  c->add_flag("--json", e.json, "Print JSON");

  PredictArguments p;
  c = add_command(app, choices, "predict", "Read single characters", [&](CLI::App&) { return predict(p); });
  c->add_option("--model", p.model, "Model file of a run")->required();
  c->add_option("FILE", p.files, "PNG images")->required();
  c->add_option("--threads", p.threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--draw", p.draw, "Draw the images too");
  c->add_flag("--resize", p.resize, "Accept images of other sizes");
  c->add_flag("--json", p.json, "Print JSON");

  std::filesystem::path described;
  c = add_command(app, choices, "summary", "Show the layers of the network",
                  [&](CLI::App&) { return summary(described); });
  c->add_option("--model", described, "Model file to describe");

  BenchArguments b;
  c = add_command(app, choices, "bench", "Measure the speed of this machine",
                  [&](CLI::App&) { return bench(b); });
  c->add_option("--threads", b.threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--batch", b.batch, "Images a step")->check(whole(1, 65536));
  c->add_option("--seconds", b.seconds, "For each of the three measurements")->check(above_zero());
  c->add_flag("--json", b.json, "Print JSON");

  try {
    app.parse(argc, argv);
    for (const Choice& choice : choices)
      if (choice.command->parsed()) return choice.run(*choice.command);
    return exit_usage;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const CLI::App* command = &app;
    std::string name = "captcha";
    while (!command->get_subcommands().empty()) {
      command = command->get_subcommands().front();
      name += " " + command->get_name();
    }
    // A mistyped word matters more than the option or command that is missing because of it.
    const std::string unknown = unknown_word(*command);
    std::fprintf(stderr, "%s: %s; see %s --help\n", name.c_str(),
                 unknown.empty() ? error.what() : unknown.c_str(), name.c_str());
    return exit_usage;
  }
}

}  // namespace
}  // namespace captcha::app

int main(int argc, char** argv) {
  try {
    return captcha::app::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "captcha: out of memory\n");
    return captcha::app::exit_data;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "captcha: %s\n", error.what());
    return captcha::app::exit_data;
  }
}
