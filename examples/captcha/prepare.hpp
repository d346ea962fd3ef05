// `captcha prepare`: cuts a folder of solved CAPTCHAs into a folder of labelled characters.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/data/folder.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/jpeg.hpp>
#include <captcha/data/png.hpp>

#include "generate_folder.hpp"
#include "glyph_cut.hpp"
#include "prepare_cut.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace captcha::app {

struct PrepareOptions {
  std::filesystem::path
      captchas;  ///< 200 x 50 PNG images, each named by its solution: `2b827.png`, or `2b827_7.png`
  std::filesystem::path out;
  bool add = false;  ///< write into a folder that holds files
  std::size_t variants =
      1;                    ///< pictures of each character; all but the first move the box a little by chance
  std::uint64_t seed = 1;   ///< of that chance
  bool trust_jpeg = false;  ///< reads JPEG files too; without it they are skipped
};

struct PrepareReport {
  std::size_t captchas = 0;
  std::size_t characters = 0;
  std::vector<std::string> skipped{};  ///< files that were not read: name and reason
};

/// Writes the characters of all CAPTCHAs of a folder as `<label>_<solution>-<position>.png`, positions from 1
/// (and `-2`, `-3`, … behind it for further variants), so that a split can keep one CAPTCHA's characters
/// together. Throws Error, and leaves nothing behind, for the first file that is damaged, of another size, or
/// whose name is no solution; if there is no CAPTCHA; and if the folder to write holds files (and not `add`)
/// or cannot be written. `tell(done, all)` is called before each file; what it throws stops the work.
inline PrepareReport prepare(
    const PrepareOptions& options,
    const std::function<void(std::size_t, std::size_t)>& tell = [](std::size_t, std::size_t) {}) {
  PrepareReport report;
  const std::vector<std::string> names = list_images(options.captchas, false);
  if (names.empty())
    throw Error(options.captchas.string() +
                ": no images, expected CAPTCHAs named by their solution, such as 2b827.png");
  NewFolder folder(options.out, options.add, ", or --add to it");
  std::set<std::string> seen;
  std::size_t looked_at = 0;
  for (const std::string& name : names) {
    tell(looked_at++, names.size());
    const std::filesystem::path path = options.captchas / name;
    const std::string solution = solution_of(path);
    const std::vector<std::uint8_t> bytes = read_image_file(path);
    if (is_jpeg(bytes) && !options.trust_jpeg) {
      report.skipped.push_back(name +
                               ": a JPEG; convert it to a PNG, or give --trust-jpeg if you trust its source");
      continue;
    }
    if (!seen.insert(solution).second) {
      report.skipped.push_back(name + ": another file has the same solution");
      continue;
    }
    const Image image =
        to_grey(is_jpeg(bytes) ? decode_jpeg(bytes, path.string()) : decode_png(bytes, path.string()));
    for (const Cut& cut : cut_captcha(image, solution, path.string())) {
      const std::string stem =
          std::string(1, cut.label) + "_" + solution + "-" + std::to_string(cut.position);
      folder.write(stem + ".png", cut.image);
      Random random(options.seed, Purpose::generate, static_cast<std::uint64_t>(cut.position),
                    report.captchas);
      for (std::size_t variant = 2; variant <= options.variants; ++variant) {
        tell(looked_at - 1, names.size());
        folder.write(stem + "-" + std::to_string(variant) + ".png",
                     cut_out(image, jittered(cut.box, random)));
      }
      report.characters += options.variants;
    }
    ++report.captchas;
  }
  if (report.captchas == 0)
    throw Error(options.captchas.string() + ": none of its " + std::to_string(names.size()) +
                " images is a PNG; convert them");
  folder.commit();
  return report;
}

}  // namespace captcha::app
