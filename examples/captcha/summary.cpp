// captcha summary: a network as a table, and what a model file says of itself.
#include <captcha/model/summary.hpp>
#include <captcha/model/tape.hpp>

#include "captchas.hpp"
#include "characters.hpp"
#include "commands.hpp"

#include <cstdio>
#include <memory>

namespace captcha::app {
namespace {

void describe(const std::filesystem::path& model) {
  const SafetensorsFile file = SafetensorsFile::read(model);
  std::printf("%s\n", model.c_str());
  for (const auto& [key, value] : file.metadata())
    if (key != "captcha.checkpoint") std::printf("  %s: %s\n", key.c_str(), value.c_str());
  std::printf("  %s\n\n", file.integrity() == Integrity::verified
                              ? "all hashes are right"
                              : "no hashes: its integrity cannot be checked");
}

template <class Net, Shape S>
void print_layers() {
  constexpr Sight sight = receptive_field<Net>;
  std::printf("%s\n", model_summary<Net, S>().c_str());
  std::printf(
      "receptive field %d x %d pixels; a training step on 64 images needs %s bytes besides the weights\n",
      sight.rows, sight.columns, with_gaps(4 * training_values<Net, S>(64)).c_str());
}

int summary(const std::filesystem::path& model) {
  const bool solves = !model.empty() && architecture_of(model) == solver_architecture;
  if (!model.empty()) {
    if (solves)
      load_solver(model);
    else
      load_model(model);
    describe(model);
  }
  if (solves)
    print_layers<SolverNetwork, captcha_shape>();
  else
    print_layers<Network, character>();
  return 0;
}

}  // namespace

void add_summary(Commands& commands) {
  const auto model = std::make_shared<std::filesystem::path>();
  CLI::App* c =
      commands.add("summary", "Show the layers of a network", [model](CLI::App&) { return summary(*model); });
  c->add_option("--model", *model, "Model file to describe; without it, what `captcha train` would train")
      ->type_name("FILE");
  c->footer("Examples:\n  captcha summary\n  captcha summary --model runs/first/final.safetensors");
}

}  // namespace captcha::app
