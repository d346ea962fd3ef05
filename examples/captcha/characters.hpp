// The one place that says what the network reads: its type, its classes, its images, its preparation.
#pragma once

#include <captcha/data.hpp>
#include <captcha/models/resnet.hpp>

#include "glyph_table.hpp"
#include "model_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// ResNet-18 for grey characters of 20 classes.
using Network = ResNet18<static_cast<int>(labels.size()), 1>;
inline constexpr Shape character = chw(1, 52, 32);
inline constexpr const char* normalisation = "standardise";

inline std::vector<std::string> class_names() {
  std::vector<std::string> names;
  for (const char label : labels) names.emplace_back(1, label);
  return names;
}

inline ModelInfo character_info() {
  return {character_architecture, class_names(), normalisation, character};
}

/// Names the bad files of a folder on standard error.
inline void name_bad_files(const std::vector<BadFile>& files) {
  for (const BadFile& file : files)
    std::fprintf(stderr, "bad image: %s: %s\n", file.name.c_str(), file.reason.c_str());
}

/// Says at the end how many files were left out.
inline void count_bad_files(std::size_t left_out) {
  if (left_out > 0)
    std::fprintf(stderr, "%zu bad %s left out; named above\n", left_out,
                 left_out == 1 ? "image was" : "images were");
}

using Characters = ImageFolder<character>;

/// The labelled characters of a folder. `resize` accepts other sizes; bad files that are left out are named
/// on standard error.
inline Characters open_characters(const std::filesystem::path& folder, bool resize = false,
                                  BadFiles bad = BadFiles::fail) {
  if (is_there(folder) && !is_folder(folder))
    throw Error(folder.string() + ": a file, expected a folder of characters");
  if (!is_there(folder))
    throw Error(folder.string() + ": no such folder; `captcha generate --out " + folder.string() +
                " --count 8000` makes one");
  Characters characters(folder, {.classes = class_names(), .resize = resize, .bad = bad});
  name_bad_files(characters.report());
  return characters;
}

/// Characters to judge a model by: a folder, or a part of one.
using JudgedImages = Subset<Characters>;
inline JudgedImages all_of(Characters&& characters) {
  const std::size_t count = characters.size();
  return take(std::move(characters), count);
}

/// The part to train on and the part that `captcha train` keeps back to judge by, whole CAPTCHAs at a time if
/// `by_source`.
template <class Data>
auto keep_back(Data&& characters, double fraction, std::uint64_t seed, bool by_source) {
  return split(std::forward<Data>(characters), {1 - fraction, fraction},
               {.seed = seed, .grouped = by_source});
}

/// A trained network from a model file. Error when the file is damaged or holds a model for something else.
inline Weights<Network> load_model(const std::filesystem::path& path) {
  return load_model<Network>(path, character_info());
}

}  // namespace captcha::app
