// A TOML file and the options of a command line as one set of settings: the file may name every option, what
// the command line says wins.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/io/json.hpp>

#include "option_checks.hpp"
#include "paths.hpp"
#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

namespace captcha::app {

/// Whether an option takes no value on the command line.
inline bool is_flag(const CLI::Option& option) {
  return option.get_items_expected_max() == 0;
}

/// A number as TOML: where it is whole as an integer, if TOML has such large ones.
inline std::string toml_number(double number) {
  const std::string text = json_number(number);
  std::int64_t whole = 0;
  if (reads_as(text, whole)) return std::to_string(whole);
  return text.find_first_not_of("-0123456789") == text.npos ? text + ".0" : text;
}

/// Gives a subcommand's options that were not on the command line the values that the file has for them.
/// Error that names file and line when the file cannot be read or names something that is no option.
inline void apply_config(CLI::App& command, const std::filesystem::path& path) {
  // What is quoted of the file may hold line breaks; the message is one line all the same.
  const auto fail = [&](toml::source_index line, std::string what) {
    for (char& letter : what)
      if (std::iscntrl(static_cast<unsigned char>(letter))) letter = ' ';
    throw Error(path.string() + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
  };
  if (is_folder(path)) throw Error(path.string() + ": a folder, expected a TOML file");
  toml::table table;
  try {
    table = toml::parse_file(path.string());
  } catch (const toml::parse_error& error) {
    fail(error.source().begin.line, std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto line = node.source().begin.line;
    CLI::Option* option = command.get_option_no_throw("--" + name);
    if (!option || option->get_single_name() != name || name == "config" || name == "help")
      fail(line, "'" + name + "' is no option of `captcha " + command.get_name() + "`");
    if (is_flag(*option) && !node.is_boolean()) fail(line, "'" + name + "' must be true or false");
    if (option->count() > 0) continue;
    std::string value;
    if (const auto text = node.value_exact<std::string>())
      value = *text;
    else if (const auto flag = node.value_exact<bool>())
      value = *flag ? "true" : "false";
    else if (const auto whole = node.value_exact<std::int64_t>())
      value = std::to_string(*whole);
    else if (const auto real = node.value_exact<double>())
      value = toml_number(*real);
    else
      fail(line, "'" + name + "' must be a text, a number, true or false");
    if (value.empty()) continue;  // as config.toml has what was not given
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      fail(line, error.what());
    }
  }
}

/// A value of an option as TOML: the shortest text that reads back as the same value.
inline std::string toml_value(const CLI::Option& option, const std::string& text) {
  if (is_flag(option)) return text == "true" ? "true" : "false";
  std::int64_t whole = 0;
  double real = 0;
  if (const std::string type = option.get_type_name();
      type.starts_with("UINT") || type.starts_with("INT") || type.starts_with("FLOAT")) {
    if (reads_as(text, whole)) return std::to_string(whole);
    // Whole numbers beyond those of TOML stay text, lest they lose digits; others are written as CLI11 reads
    // them, by way of a long double: with twenty digits and more that is not the same.
    if (text.find_first_not_of("0123456789") != text.npos && reads_as(text, real))
      return toml_number(static_cast<double>(std::strtold(text.c_str(), nullptr)));
  }
  // Without flags: in texts of several lines toml++ would begin with a line break, which readers drop.
  const toml::value<std::string> value(text);
  std::ostringstream quoted;
  quoted << toml::toml_formatter{value, toml::format_flags::none};
  return quoted.str();
}

/// Every option of a subcommand with the value it has, as TOML, in the order of --help.
inline std::string resolved_config(const CLI::App& command) {
  std::string lines;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "config" || name == "help" || name == "resume" || name == "quiet") continue;
    std::string text = option->get_default_str();
    if (option->count() > 0) option->results(text);
    lines += name + " = " + toml_value(*option, text) + "\n";
  }
  return lines;
}

}  // namespace captcha::app
