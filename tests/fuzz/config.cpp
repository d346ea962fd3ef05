// apply_config: a TOML file given to --config, for a command with an option of every kind that `captcha
// train` has. What is accepted is written down as config.toml, and read again to the same settings.
#include "config.hpp"

#include "fuzz.hpp"

#include <cstdint>
#include <string>

using namespace captcha;
using fuzz::require;

namespace {

struct Command {
  CLI::App app{"", "train"};
  std::string data, choice = "none", config;
  std::size_t epochs = 0, batch = 64;
  std::uint64_t seed = 1;
  double rate = 2e-3, share = 0.05, clip = 0;
  bool augment = true, resize = false;

  Command() {
    app.option_defaults()->always_capture_default();
    app.add_option("--data", data);
    app.add_option("--config", config);
    app.add_option("--group", choice)->check(CLI::IsMember({"none", "source"}));
    app.add_option("--epochs", epochs)->check(captcha::app::whole(0));
    app.add_option("--batch", batch)->check(captcha::app::whole(1, 65536));
    app.add_option("--seed", seed)->check(captcha::app::whole(0));
    app.add_option("--learning-rate", rate)->check(captcha::app::above_zero());
    app.add_option("--val-fraction", share)->check(captcha::app::from_zero_to(0.9));
    app.add_option("--clip", clip)->check(captcha::app::not_negative());
    app.add_flag("--augment,!--no-augment", augment)->default_str("true");
    app.add_flag("--resize", resize);
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file({data, size});
  Command command;
  try {
    captcha::app::apply_config(command.app, file.path());
  } catch (const Error& error) {
    const std::string_view what = error.what();
    require(what.starts_with(file.path() + ":"), "a message names the file");
    require(what.find('\n') == what.npos, "a message is one line");
    return 0;
  }
  const std::string settled = captcha::app::resolved_config(command.app);
  const fuzz::MemoryFile written({reinterpret_cast<const std::uint8_t*>(settled.data()), settled.size()});
  Command again;
  captcha::app::apply_config(again.app, written.path());
  require(captcha::app::resolved_config(again.app) == settled,
          "what was settled is read again as it was written");
  require(again.data == command.data && again.seed == command.seed && again.rate == command.rate &&
              again.share == command.share && again.clip == command.clip &&
              again.augment == command.augment && again.resize == command.resize &&
              again.choice == command.choice,
          "and so are the values");
  return 0;
}
