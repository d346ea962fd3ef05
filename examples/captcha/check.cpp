// captcha data check: what is in a folder of characters, and what is wrong with it.
#include "characters.hpp"
#include "commands.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {
namespace {

/// Names of files that hold the same pixels.
using Group = std::vector<std::string>;

/// The first few names, then how many more there are.
std::string some_of(const Group& files) {
  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t i = 0; i < files.size() && i < shown; ++i) text += (i > 0 ? " " : "") + files[i];
  return files.size() > shown ? text + " and " + std::to_string(files.size() - shown) + " more" : text;
}

}  // namespace

int check(const CheckArguments& arguments) {
  if (!std::filesystem::is_directory(arguments.data))
    throw Error(arguments.data.string() + ": no such folder");
  const std::vector<std::string> names = list_images(arguments.data, false);
  if (names.empty())
    throw Error(arguments.data.string() + ": no images; expected PNG files called <label>_<number>.png");

  std::map<std::string, std::size_t> classes, sizes;
  std::map<std::string, Group> contents;  // files by their pixels
  std::vector<std::pair<std::string, std::string>> bad;
  std::size_t dark = 0, constant = 0;
  for (const std::string& name : names) {
    const std::filesystem::path path = arguments.data / name;
    try {
      const Image image = read_image(path);
      ++sizes[std::to_string(image.width) + " x " + std::to_string(image.height)];
      const std::size_t underscore = name.find('_');
      const std::string label = underscore == std::string::npos ? "" : name.substr(0, underscore);
      if (label.size() != 1 || std::find(labels.begin(), labels.end(), label[0]) == labels.end())
        throw Error(path.string() + (label.empty()
                                         ? ": no label, expected one before an underscore in the name"
                                         : ": label '" + label + "' is none of the " +
                                               std::to_string(labels.size()) + " classes"));
      if (image.width != character.width || image.height != character.height)
        throw Error(path.string() + ": " + std::to_string(image.width) + " x " +
                    std::to_string(image.height) + " pixels (width x height), expected " +
                    std::to_string(character.width) + " x " + std::to_string(character.height));
      ++classes[label];
      const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
      constant += *low == *high;
      dark += *low != *high && *high <= 1;
      contents[std::string(image.pixels.begin(), image.pixels.end())].push_back(name);
    } catch (const Error& error) {
      bad.emplace_back(name, error.what());
    }
  }

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
    for (const auto& [name, reason] : bad) report["bad"].push_back({{"file", name}, {"reason", reason}});
    std::printf("%s\n", report.dump(2).c_str());
    return in_order ? 0 : 1;
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
  std::printf("\nonly the values 0 and 1: %zu   constant: %zu   same pixels as another: %zu\n", dark,
              constant, twice);
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < same.size() && i < shown; ++i)
    std::printf("same pixels: %s\n", some_of(same[i]).c_str());
  if (same.size() > shown)
    std::printf("same pixels: %zu more groups; --json lists all\n", same.size() - shown);
  for (const Group& files : contradictions)
    std::printf("bad: same pixels, different labels: %s\n", some_of(files).c_str());
  for (const auto& [name, reason] : bad) std::printf("bad: %s\n", reason.c_str());
  return in_order ? 0 : 1;
}

}  // namespace captcha::app
