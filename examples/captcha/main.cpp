// The command line of `captcha`. Exit codes: 0 success, 1 something is wrong with the data, 2 wrong usage,
// 128 + the number of the signal that ended it.
#include "commands.hpp"
#include "option_checks.hpp"

#include <cstdio>
#include <exception>
#include <new>
#include <string>

namespace captcha::app {
namespace {

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
  Commands commands(app);
  for (const auto add : {add_generate, add_prepare, add_check, add_train, add_evaluate, add_predict,
                         add_visualize, add_summary, add_bench})
    add(commands);

  try {
    app.parse(argc, argv);
    return commands.run();
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
