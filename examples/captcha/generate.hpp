// `captcha generate`: a folder of drawn characters to train on where the data set cannot be had.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>

#include "draw_character.hpp"
#include "generate_folder.hpp"
#include "glyph_font.hpp"
#include "glyph_table.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace captcha::app {

struct GenerateOptions {
  std::filesystem::path out;
  std::size_t count = 20'000;  ///< images in all; each class gets the same number, give or take one
  std::uint64_t seed = 1;
  std::size_t first = 0;  ///< number of the first image, to go on where another run ended
  bool add = false;       ///< write into a folder that holds files
  bool captchas = false;  ///< whole CAPTCHAs instead of characters
  CharacterStyle style{};
};

/// Image number `number` of a seed: number modulo 20 is its class, the rest is chance that hangs on nothing
/// else.
inline Image generate_image(std::size_t number, const GenerateOptions& options, const Glyphs& glyphs) {
  Random random(options.seed, Purpose::generate, 0, number);
  return draw_character(labels[number % labels.size()], random, options.style, glyphs);
}

/// CAPTCHA number `number` of a seed, as `<solution>_<number>.png`.
inline void write_captcha(std::size_t number, const GenerateOptions& options, const Glyphs& glyphs,
                          NewFolder& folder) {
  Random random(options.seed, Purpose::generate, 1, number);
  const std::string text = random_text(random);
  folder.write(text + "_" + std::to_string(number) + ".png", draw_captcha(text, random, glyphs).image);
}

/// Writes `count` characters of 52 x 32 pixels as `<label>_<number>.png`, or CAPTCHAs. The same seed gives
/// the same files. Throws Error, and leaves no image behind, if the font is missing, the folder holds files
/// (and not `add`) or cannot be written. `tell(done, all)` is called before each image; what it throws stops
/// the work.
inline void generate(
    const GenerateOptions& options,
    const std::function<void(std::size_t, std::size_t)>& tell = [](std::size_t, std::size_t) {}) {
  if (options.count == 0) throw Error("generate: 0 images asked for, expected a count, such as 20000");
  const Glyphs& glyphs = installed_glyphs();
  NewFolder folder(options.out, options.add, ", or --add to it");
  for (std::size_t number = options.first; number < options.first + options.count; ++number) {
    tell(number - options.first, options.count);
    if (options.captchas)
      write_captcha(number, options, glyphs, folder);
    else
      folder.write(std::string(1, labels[number % labels.size()]) + "_" + std::to_string(number) + ".png",
                   generate_image(number, options, glyphs));
  }
  folder.commit();
}

}  // namespace captcha::app
