// The command line of `captcha`. Exit codes: 0 success, 1 something is wrong with the data, 2 wrong usage,
// 128 + the number of the signal that ended it.
#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"
#include "terminal.hpp"
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

/// For somebody who gave no command: which there are.
std::string short_usage(const CLI::App& command, const std::string& name) {
  std::string text = "usage: " + name + " COMMAND [OPTIONS]\n\n";
  for (const CLI::App* child : command.get_subcommands(nullptr)) {
    std::string line = "  " + child->get_name();
    line.resize(std::max<std::size_t>(line.size() + 2, 20), ' ');
    text += line + child->get_description() + "\n";
  }
  return text + "\n" + name + " COMMAND --help lists the options of a command and shows examples\n";
}

/// A program may be started without some of its standard streams. The first files that it opens would then
/// take their numbers, and what is printed would stand in them.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDWR);  // the first free number
}

int run(int argc, char** argv) {
  CLI::App app("Reads CAPTCHA characters with a ResNet-18 that it trains itself.", "captcha");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 success, 1 something is wrong with the data, 2 wrong usage,\n"
      "130 and 143 stopped by SIGINT (Ctrl-C) or SIGTERM.\n\n"
      "A first walk:\n"
      "  captcha generate --out characters --count 8000 --seed 1\n"
      "  captcha generate --out unseen --count 1000 --seed 2\n"
      "  captcha train --data characters --out runs/first\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen");
  app.set_version_flag("--version", "captcha " CAPTCHA_VERSION, "Print the version and exit");
  Commands commands(app);
  for (const auto add : {add_generate, add_prepare, add_check, add_train, add_evaluate, add_predict,
                         add_visualize, add_train_solver, add_solve, add_evaluate_solver, add_serve,
                         add_summary, add_bench, add_export, add_completion})
    add(commands);
  commands.finish();

  try {
    // "captcha help train" is "captcha train --help".
    std::vector<std::string> words(argv + 1, argv + argc);
    if (!words.empty() && words[0] == "help") {
      words.erase(words.begin());
      const auto known = app.get_subcommands(nullptr);
      if (words.empty() || std::any_of(known.begin(), known.end(), [&](const CLI::App* command) {
            return command->get_name() == words[0];
          }))
        words.push_back("--help");
    }
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(words);
    return commands.run();
  } catch (const Interrupted& stopped) {
    std::fprintf(stderr, "captcha: stopped\n");
    return 128 + stopped.signal;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    // A mistyped word matters more than the option or command that is missing because of it.
    const CLI::App* command = &app;
    std::string name = "captcha", unknown = unknown_word(app);
    while (unknown.empty() && !command->get_subcommands().empty()) {
      command = command->get_subcommands().front();
      name += " " + command->get_name();
      unknown = unknown_word(*command);
    }
    if (unknown.empty() && command->get_require_subcommand_min() > 0 && command->remaining().empty()) {
      std::fputs(short_usage(*command, name).c_str(), stderr);
      return exit_usage;
    }
    std::fprintf(stderr, "%s: %s; see %s --help\n", name.c_str(),
                 unknown.empty() ? error.what() : unknown.c_str(), name.c_str());
    return exit_usage;
  }
}

}  // namespace
}  // namespace captcha::app

int main(int argc, char** argv) {
  using namespace captcha::app;
  open_standard_streams();
  int code = exit_data;
  try {
    code = run(argc, argv);
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(error.path1().string() + ": " + error.code().message());
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  print_error(std::string("standard output cannot be written: ") + std::strerror(errno));
  return code == 0 ? exit_data : code;
}
