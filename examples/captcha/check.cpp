// captcha data check: what is in a folder of characters, and what is wrong with it.
#include "captchas.hpp"
#include "characters.hpp"
#include "commands.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {
namespace {

struct CheckArguments {
  std::filesystem::path data;
  bool json = false;
  bool quiet = false;
};

/// Names of files, such as those that hold the same pixels.
using Group = std::vector<std::string>;

/// A file that a training would not take.
struct Refused {
  std::string name;
  ImageFault fault;
  std::string reason;
};

/// The first few names, then how many more there are.
std::string some_of(const Group& files) {
  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t i = 0; i < files.size() && i < shown; ++i) text += (i > 0 ? " " : "") + files[i];
  text = printable(text);
  return files.size() > shown ? text + " and " + std::to_string(files.size() - shown) + " more" : text;
}

/// "3: a.png b.png c.png": how many, and the first few.
std::string counted(const Group& files) {
  return std::to_string(files.size()) + (files.empty() ? "" : ": " + some_of(files));
}

std::string size_text(int width, int height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

int check(const CheckArguments& arguments) {
  if (!is_folder(arguments.data))
    throw Error(arguments.data.string() + (is_there(arguments.data)
                                               ? ": a file, expected a folder of characters"
                                               : ": no such folder"));
  const std::vector<std::string> names = list_images(arguments.data, false);
  if (names.empty())
    throw Error(arguments.data.string() + ": no images; expected PNG files called <label>_<number>.png");

  const std::vector<std::string> known = class_names();
  std::map<std::string, std::size_t> classes, sizes;
  std::map<std::string, Group> contents;  // files by their pixels
  std::vector<Refused> bad;
  Group dark, constant;
  Progress progress("looking", arguments.quiet);
  std::size_t looked_at = 0;
  for (const std::string& name : names) {
    progress(looked_at++, names.size());
    const std::filesystem::path path = arguments.data / name;
    try {
      const Image image = to_grey(read_png(path));  // as a training sees it
      ++sizes[size_text(image.width, image.height)];
      const int label = file_class(arguments.data, name, Labels::file_name, known);
      require_size(image, path, character);
      ++classes[known[static_cast<std::size_t>(label)]];
      const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
      if (*low == *high)
        constant.push_back(name);
      else if (*high <= 1)
        dark.push_back(name);
      contents[std::string(image.pixels.begin(), image.pixels.end())].push_back(name);
    } catch (const ImageError& error) {
      bad.push_back({name, error.fault, error.what()});
    }
  }
  progress(names.size(), names.size());

  std::vector<Group> same, contradictions;
  std::size_t twice = 0;
  for (const auto& entry : contents) {
    const Group& files = entry.second;
    if (files.size() < 2) continue;
    twice += files.size() - 1;
    const bool agree = std::all_of(files.begin(), files.end(),
                                   [&files](const std::string& name) { return name[0] == files[0][0]; });
    (agree ? same : contradictions).push_back(files);
  }
  std::sort(same.begin(), same.end());
  std::sort(contradictions.begin(), contradictions.end());
  const bool in_order = bad.empty() && contradictions.empty();

  if (arguments.json) {
    nlohmann::ordered_json report{{"images", names.size()},
                                  {"good", names.size() - bad.size()},
                                  {"classes", classes},
                                  {"sizes", sizes},
                                  {"constant", constant},
                                  {"only_0_and_1", dark},
                                  {"duplicates", twice},
                                  {"same_pixels", same},
                                  {"same_pixels_other_label", contradictions},
                                  {"bad", nlohmann::ordered_json::array()}};
    for (const Refused& file : bad)
      report["bad"].push_back(
          {{"file", file.name}, {"kind", to_string(file.fault)}, {"reason", file.reason}});
    print_report(report);
    return in_order ? 0 : exit_data;
  }
  std::printf("%s: %zu images, %zu good, %zu bad\n\nsize (width x height)\n", arguments.data.c_str(),
              names.size(), names.size() - bad.size(), bad.size());
  for (const auto& [size, count] : sizes) std::printf("  %-12s %zu\n", size.c_str(), count);
  std::size_t most = 1;
  for (const auto& [label, count] : classes) most = std::max(most, count);
  std::printf("\nclass\n");
  for (const char label : labels) {
    const auto found = classes.find(std::string(1, label));
    const std::size_t count = found == classes.end() ? 0 : found->second;
    std::printf("  %c %7zu%s\n", label, count,
                count == 0 ? "" : (" " + std::string(40 * count / most, '#')).c_str());
  }
  std::printf("\nonly the values 0 and 1: %s\nconstant: %s\nsame pixels as another: %zu\n",
              counted(dark).c_str(), counted(constant).c_str(), twice);
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < same.size() && i < shown; ++i)
    std::printf("same pixels: %s\n", some_of(same[i]).c_str());
  if (same.size() > shown)
    std::printf("same pixels: %zu more groups; --json lists all\n", same.size() - shown);
  for (const Group& files : contradictions)
    std::printf("bad: same pixels, different labels: %s\n", some_of(files).c_str());
  for (const Refused& file : bad) std::printf("bad: %s\n", printable(file.reason).c_str());
  if (bad.size() == names.size() && sizes.contains(size_text(captcha_width, captcha_height)))
    std::printf("These look like whole CAPTCHAs; captcha prepare --captchas %s --out characters cuts them.\n",
                arguments.data.c_str());
  return in_order ? 0 : exit_data;
}

}  // namespace

void add_check(Commands& commands) {
  const auto a = std::make_shared<CheckArguments>();
  CLI::App* data = commands.app().add_subcommand("data", "Look at folders of characters");
  data->require_subcommand(1);
  CLI::App* c = commands.add(*data, "check", "Count classes and sizes, name bad files",
                             [a](CLI::App&) { return check(*a); });
  c->add_option("DIR", a->data, "Folder of characters")->required()->type_name("DIR");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  data->footer("Examples:\n  captcha data check characters");
  c->footer(
      "Examples:\n"
      "  captcha data check characters\n"
      "  captcha data check characters --json | jq .bad\n\n"
      "Exit code 1: something in the folder is bad.");
}

}  // namespace captcha::app
