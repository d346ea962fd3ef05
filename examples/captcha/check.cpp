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

int check(const CheckArguments& arguments) {
  if (!std::filesystem::is_directory(arguments.data))
    throw Error(arguments.data.string() + ": no such folder");
  const std::vector<std::string> names = list_images(arguments.data, false);
  if (names.empty())
    throw Error(arguments.data.string() + ": no images; expected PNG files called <label>_<number>.png");

  std::map<std::string, std::size_t> classes, sizes, contents;
  std::vector<std::pair<std::string, std::string>> bad;
  std::size_t dark = 0, constant = 0, twice = 0;
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
      twice += contents[std::string(image.pixels.begin(), image.pixels.end())]++ > 0;
    } catch (const Error& error) {
      bad.emplace_back(name, error.what());
    }
  }

  if (arguments.json) {
    nlohmann::ordered_json report{{"images", names.size()}, {"good", names.size() - bad.size()},
                                  {"classes", classes},     {"sizes", sizes},
                                  {"constant", constant},   {"only_0_and_1", dark},
                                  {"duplicates", twice},    {"bad", nlohmann::ordered_json::array()}};
    for (const auto& [name, reason] : bad) report["bad"].push_back({{"file", name}, {"reason", reason}});
    std::printf("%s\n", report.dump(2).c_str());
    return bad.empty() ? 0 : 1;
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
    std::printf("  %c %7zu %s\n", label, count, std::string(40 * count / most, '#').c_str());
  }
  std::printf("\nonly the values 0 and 1: %zu   constant: %zu   same pixels as another: %zu\n", dark,
              constant, twice);
  for (const auto& [name, reason] : bad) std::printf("bad: %s\n", reason.c_str());
  return bad.empty() ? 0 : 1;
}

}  // namespace captcha::app
