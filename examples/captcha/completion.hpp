// Completion scripts for bash, zsh and fish, made from the command line that CLI11 knows: every subcommand
// and option is in them without being listed a second time. What an option takes is read from its type: FILE,
// DIR, a set of words, or something that nothing can complete.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha::app {

enum class Completes { nothing, file, folder, words };

/// What may follow an option, or stand in the place of a positional.
struct CompletionValue {
  Completes what = Completes::nothing;
  std::string words{};  ///< "source none"
};

struct CompletionOption {
  std::vector<std::string> names;  ///< "--help", "-h"; empty for a positional
  std::string description;
  bool is_flag;
  CompletionValue value;
};

/// A command, "data check", or "" for the program itself.
struct CompletionLevel {
  std::string path;
  std::vector<std::pair<std::string, std::string>> commands;  ///< names and descriptions
  std::vector<CompletionOption> options;
};

inline CompletionValue completion_value(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (const std::size_t open = type.find('{'); open != type.npos) {
    std::string words = type.substr(open + 1, type.find('}') - open - 1);
    for (char& letter : words)
      if (letter == ',') letter = ' ';
    return {Completes::words, words};
  }
  if (type.find("DIR") != type.npos) return {Completes::folder};
  const bool is_file = type.find("FILE") != type.npos || type.find("TEXT") != type.npos;
  return {is_file ? Completes::file : Completes::nothing};
}

/// The levels of a command line, the outermost first.
inline std::vector<CompletionLevel> completion_levels(const CLI::App& app, const std::string& path = "") {
  CompletionLevel level{path, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    std::vector<std::string> names;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    level.options.push_back(
        {names, option->get_description(), option->get_items_expected_max() == 0, completion_value(*option)});
  }
  std::vector<CompletionLevel> levels{level};
  for (const CLI::App* child : app.get_subcommands(nullptr)) {
    levels.front().commands.emplace_back(child->get_name(), child->get_description());
    const auto below =
        completion_levels(*child, path.empty() ? child->get_name() : path + " " + child->get_name());
    levels.insert(levels.end(), below.begin(), below.end());
  }
  return levels;
}

/// A text as one word of a shell, in single quotes; `quote` is how that shell writes one inside of them.
inline std::string shell_quoted(std::string_view text, std::string_view quote) {
  std::string quoted = "'";
  for (const char letter : text) quoted += letter == '\'' ? std::string(quote) : std::string(1, letter);
  return quoted + "'";
}

/// The patterns " generate" | "data check": a command so far, and a word that leads on from it.
inline std::string command_patterns(const std::vector<CompletionLevel>& levels) {
  std::string patterns;
  for (const CompletionLevel& level : levels)
    for (const auto& [name, description] : level.commands)
      patterns += (patterns.empty() ? "'" : "|'") + level.path + " " + name + "'";
  return patterns;
}

/// The branches of a case for what stands behind options and in the place of positionals: `branch(key,
/// value)` for the keys 'train:--data', and 'predict:' for positionals.
inline std::string value_branches(
    const std::vector<CompletionLevel>& levels,
    const std::function<std::string(const std::string& keys, const CompletionValue& value)>& branch) {
  std::string branches;
  for (const CompletionLevel& level : levels)
    for (const CompletionOption& option : level.options) {
      if (option.is_flag) continue;
      std::string keys;
      for (const std::string& name : option.names)
        keys += (keys.empty() ? "'" : "|'") + level.path + ":" + name + "'";
      branches += branch(keys.empty() ? "'" + level.path + ":'" : keys, option.value);
    }
  return branches;
}

inline std::string bash_completion(const std::vector<CompletionLevel>& levels) {
  std::string words;
  for (const CompletionLevel& level : levels) {
    std::string options, commands;
    for (const CompletionOption& option : level.options)
      for (const std::string& name : option.names)
        if (name.starts_with("--")) options += (options.empty() ? "" : " ") + name;
    for (const auto& [name, description] : level.commands) commands += (commands.empty() ? "" : " ") + name;
    words += "    '" + level.path + "') options='" + options + "' commands='" + commands + "' ;;\n";
  }
  const auto branch = [](const std::string& keys, const CompletionValue& value) {
    const std::string how = value.what == Completes::folder  ? "_captcha_paths -d"
                            : value.what == Completes::file  ? "_captcha_paths -f"
                            : value.what == Completes::words ? "_captcha_words '" + value.words + "'"
                                                             : ":";
    return "    " + keys + ") " + how + " ;;\n";
  };
  return R"(# Completion of captcha for bash, written by `captcha completion bash`. At once:
#   source <(captcha completion bash)
# for good:
#   captcha completion bash > ~/.local/share/bash-completion/completions/captcha
_captcha_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word"); }
_captcha_paths() {
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}
_captcha_value() {
  case "$1" in
)" + value_branches(levels, branch) +
         R"(    *) return 1 ;;
  esac
}
_captcha() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' options='' commands='' i
  COMPREPLY=()
  # To bash, --option=value is three words.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $before == '=' ]]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${COMP_WORDS[i]}" in
      )" +
         command_patterns(levels) +
         R"() command="${command:+$command }${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command" in
)" + words +
         R"(  esac
  if [[ $before == -* ]] && _captcha_value "$command:$before"; then return; fi
  if [[ $word == -* ]]; then _captcha_words "$options"; return; fi
  _captcha_value "$command:" || _captcha_words "${commands:-$options}"
}
complete -F _captcha captcha
)";
}

inline std::string zsh_completion(const std::vector<CompletionLevel>& levels) {
  const auto entry = [](const std::string& name, const std::string& description) {
    return " " + shell_quoted(name + ":" + description, R"('\'')");
  };
  std::string words;
  for (const CompletionLevel& level : levels) {
    std::string options, commands;
    for (const CompletionOption& option : level.options)
      for (const std::string& name : option.names) options += entry(name, option.description);
    for (const auto& [name, description] : level.commands) commands += entry(name, description);
    words += "    ('" + level.path + "') options=(" + options + " ) commands=(" + commands + " ) ;;\n";
  }
  const auto branch = [](const std::string& keys, const CompletionValue& value) {
    const std::string how = value.what == Completes::folder  ? "_files -/"
                            : value.what == Completes::file  ? "_files"
                            : value.what == Completes::words ? "compadd -- " + value.words
                                                             : ":";
    return "    (" + keys + ") " + how + " ;;\n";
  };
  return R"(#compdef captcha
# Completion of captcha for zsh, written by `captcha completion zsh`. At once:
#   source <(captcha completion zsh)
# for good: into a folder of $fpath, as _captcha
_captcha_value() {
  case "$1" in
)" + value_branches(levels, branch) +
         R"(    (*) return 1 ;;
  esac
  return 0
}
_captcha() {
  local word=${words[CURRENT]} before=${words[CURRENT-1]} command='' i
  local -a options commands
  if [[ $word == --*=* ]]; then
    before=${word%%=*}
    compset -P '*='
  fi
  for ((i = 2; i < CURRENT; i++)); do
    case "$command ${words[i]}" in
      ()" +
         command_patterns(levels) +
         R"() command="${command:+$command }${words[i]}" ;;
    esac
  done
  case "$command" in
)" + words +
         R"(  esac
  if [[ $before == -* ]] && _captcha_value "$command:$before"; then return; fi
  if [[ $word == -* ]]; then _describe -o option options; return; fi
  if _captcha_value "$command:"; then return; fi
  if (( $#commands )); then _describe command commands; else _describe -o option options; fi
}
if [[ $funcstack[1] == _captcha ]]; then _captcha "$@"; else compdef _captcha captcha; fi
)";
}

inline std::string fish_completion(const std::vector<CompletionLevel>& levels) {
  std::string patterns = command_patterns(levels);
  for (char& letter : patterns)
    if (letter == '|') letter = ' ';
  std::string lines;
  for (const CompletionLevel& level : levels) {
    const std::string at = "complete -c captcha -n '__captcha_at " + level.path + "'";
    const auto says = [](const std::string& description) {
      return " -d " + shell_quoted(description, R"(\')");
    };
    for (const auto& [name, description] : level.commands)
      lines += at + " -a " + name + says(description) + "\n";
    for (const CompletionOption& option : level.options) {
      const CompletionValue& value = option.value;
      const std::string takes = option.is_flag                    ? ""
                                : value.what == Completes::folder ? " -x -a '(__fish_complete_directories)'"
                                : value.what == Completes::file   ? " -r -F"
                                : value.what == Completes::words  ? " -x -a '" + value.words + "'"
                                                                  : " -x";
      std::string names;
      for (const std::string& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!names.empty())
        lines += at + names + takes + says(option.description) + "\n";
      else if (value.what == Completes::file)
        lines += at + " -F\n";
      else if (value.what != Completes::nothing)
        lines += at + takes.substr(3) + "\n";
    }
  }
  return R"(# Completion of captcha for fish, written by `captcha completion fish`. At once:
#   captcha completion fish | source
# for good:
#   captcha completion fish > ~/.config/fish/completions/captcha.fish
function __captcha_at
    set -l command ''
    for word in (commandline -opc)[2..]
        switch "$command $word"
            case )" +
         patterns +
         R"(
                set command (string trim -- "$command $word")
        end
    end
    test "$command" = "$argv"
end
complete -c captcha -f
)" + lines;
}

}  // namespace captcha::app
