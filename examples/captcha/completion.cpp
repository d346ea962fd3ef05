// captcha completion: scripts with which a shell completes the program's command line.
#include "completion.hpp"

#include "commands.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace captcha::app {

void add_completion(Commands& commands) {
  const auto shell = std::make_shared<std::string>();
  CLI::App& app = commands.app();
  CLI::App* c = commands.add("completion", "Print a script that completes commands, options and files",
                             [shell, &app](CLI::App&) {
                               const auto levels = completion_levels(app);
                               std::fputs((*shell == "bash"  ? bash_completion(levels)
                                           : *shell == "zsh" ? zsh_completion(levels)
                                                             : fish_completion(levels))
                                              .c_str(),
                                          stdout);
                               return 0;
                             });
  c->add_option("SHELL", *shell, "The shell it is for")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  c->footer(
      "Examples:\n"
      "  source <(captcha completion bash)\n"
      "  source <(captcha completion zsh)\n"
      "  captcha completion fish | source");
}

}  // namespace captcha::app
