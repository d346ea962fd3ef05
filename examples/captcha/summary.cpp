// captcha summary: the network as a table, and what a model file says of itself.
#include <captcha/model/summary.hpp>
#include <captcha/model/tape.hpp>

#include "characters.hpp"
#include "commands.hpp"

#include <cstdio>
#include <memory>

namespace captcha::app {
namespace {

int summary(const std::filesystem::path& model) {
  if (!model.empty()) {
    load_model(model);
    const SafetensorsFile file = SafetensorsFile::read(model);
    std::printf("%s\n", model.c_str());
    for (const auto& [key, value] : file.metadata())
      if (key != "captcha.checkpoint") std::printf("  %s: %s\n", key.c_str(), value.c_str());
    std::printf("  %s\n\n", file.integrity() == Integrity::verified
                                ? "all hashes are right"
                                : "no hashes: its integrity cannot be checked");
  }
  std::printf("%s\n", model_summary<Network, character>().c_str());
  constexpr Sight sight = receptive_field<Network>;
  std::printf(
      "receptive field %d x %d pixels; a training step on 64 images needs %s bytes besides the weights\n",
      sight.rows, sight.columns, with_gaps(4 * training_values<Network, character>(64)).c_str());
  return 0;
}

}  // namespace

void add_summary(Commands& commands) {
  const auto model = std::make_shared<std::filesystem::path>();
  CLI::App* c = commands.add("summary", "Show the layers of the network",
                             [model](CLI::App&) { return summary(*model); });
  c->add_option("--model", *model, "Model file to describe")->type_name("FILE");
  c->footer("Examples:\n  captcha summary\n  captcha summary --model runs/first/final.safetensors");
}

}  // namespace captcha::app
