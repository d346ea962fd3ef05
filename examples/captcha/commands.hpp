// The subcommands of `captcha`. Each lives in a file of its own name, with its options: add_train in
// train.cpp.
#pragma once

#include "option_checks.hpp"
#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

// Exit codes besides 0, success, and 128 + the number of the signal that ended the program.
inline constexpr int exit_data = 1;   ///< something is wrong with the data
inline constexpr int exit_usage = 2;  ///< wrong usage

/// Subcommands, and what to do when one of them was given.
class Commands {
 public:
  /// Returns the exit code; throws errors.
  using Run = std::function<int(CLI::App& command)>;

  explicit Commands(CLI::App& app) : app_(app) {}
  CLI::App& app() { return app_; }

  /// A subcommand of `parent`, still without options; what these are bound to must live as long as `run`.
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description, Run run) {
    CLI::App* command = parent.add_subcommand(name, description);
    command->option_defaults()->always_capture_default();
    choices_.emplace_back(command, std::move(run));
    return command;
  }
  CLI::App* add(const std::string& name, const std::string& description, Run run) {
    return add(app_, name, description, std::move(run));
  }

  /// To be called when all are added: a list that is empty by default is not shown as "[]" by --help, and a
  /// path that is given is not empty.
  void finish() {
    for (const auto& [command, run] : choices_)
      for (CLI::Option* option : command->get_options()) {
        if (option->get_default_str() == "[]") option->default_str("");
        if (const std::string type = option->get_type_name(); type == "DIR" || type == "FILE")
          option->check(not_empty("a path"));
      }
  }

  /// Runs the command that was given.
  int run() const {
    for (const auto& [command, run] : choices_)
      if (command->parsed()) return run(*command);
    return exit_usage;
  }

 private:
  CLI::App& app_;
  std::vector<std::pair<CLI::App*, Run>> choices_{};
};

void add_generate(Commands& commands);
void add_prepare(Commands& commands);
void add_check(Commands& commands);
void add_train(Commands& commands);
void add_evaluate(Commands& commands);
void add_predict(Commands& commands);
void add_visualize(Commands& commands);
void add_train_solver(Commands& commands);
void add_solve(Commands& commands);
void add_evaluate_solver(Commands& commands);
void add_summary(Commands& commands);
void add_bench(Commands& commands);
void add_serve(Commands& commands);
void add_export(Commands& commands);
void add_completion(Commands& commands);

}  // namespace captcha::app
