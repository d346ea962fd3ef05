// The one place that says what the solver reads: its network, its images, and folders of them.
#pragma once

#include <captcha/data.hpp>
#include <captcha/data/jpeg.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/models/resnet.hpp>

#include "characters.hpp"
#include "draw_water.hpp"
#include "glyph_table.hpp"
#include "grey_image.hpp"
#include "model_file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// A ResNet-18 with a head for each letter. Where a global pooling would forget in which column something
/// was, only the rows of the last map are averaged: the columns are what tells the letters apart.
template <Shape S, int Heads, int Classes, int Width>
struct SolverResNet {
  using Family = ResNet<BasicBlock, ResNetOptions{.channels = S.channels, .width = Width}>;
  static constexpr Shape map = Family::template ending_in<>::out(S);
  using type = typename Family::template ending_in<
      AvgPool2d<Pool{.kernel = {map.height, 1}, .stride = {map.height, 1}}>, Flatten,
      Named<"fc", Linear<map.channels * map.width, Heads * Classes>>>;
};

inline constexpr Shape captcha_shape = chw(1, captcha_height, captcha_width);
inline constexpr int solver_width = 32;
struct SolverNetwork : SolverResNet<captcha_shape, static_cast<int>(solution_length),
                                    static_cast<int>(labels.size()), solver_width>::type {};

inline ModelInfo solver_info() {
  return {solver_architecture, class_names(), normalisation, captcha_shape};
}

/// A trained solver from a model file. Error when the file is damaged or holds a model for something else.
inline Weights<SolverNetwork> load_solver(const std::filesystem::path& path) {
  return load_model<SolverNetwork>(path, solver_info());
}

/// A picture as the CAPTCHA that a solver takes: grey, 200 wide and 50 high; see grey_image.
inline Image as_captcha(const Image& picture, const std::string& name, bool resizes) {
  return grey_image(picture, captcha_shape, name, resizes);
}

/// How the files of CAPTCHAs are read.
struct CaptchaFiles {
  bool resize = false;      ///< accept other sizes
  bool trust_jpeg = false;  ///< decode JPEG files too
};

/// Decodes the bytes of an image file; `name` is what messages call it.
inline Image decode_captcha(std::span<const std::uint8_t> bytes, const std::string& name,
                            const CaptchaFiles& how) {
  if (is_jpeg(bytes) && !how.trust_jpeg)
    throw ImageError(
        ImageFault::not_png,
        name + ": a JPEG, expected a PNG; convert it, or give --trust-jpeg if you trust its source");
  return as_captcha(is_jpeg(bytes) ? decode_jpeg(bytes, name) : decode_png(bytes, name), name, how.resize);
}

/// The target of a CAPTCHA: the class numbers of its letters.
using Solution = std::array<int, solution_length>;

/// The labelled CAPTCHAs of a folder as a data set, values from 0 to 1.
class Captchas {
 public:
  static constexpr Shape shape = captcha_shape;

  /// Throws Error if the folder cannot be listed, has no usable image and, unless bad files are left out, for
  /// the first bad one.
  explicit Captchas(std::filesystem::path folder, const CaptchaFiles& how = {}, BadFiles bad = BadFiles::fail)
      : folder_(std::move(folder)) {
    const std::vector<std::string> found = list_images(folder_, false);
    std::vector<std::string> left_out;
    for (const std::string& name : found) {
      const std::string path = (folder_ / name).string();
      try {
        const Solution solution = solution_numbers(solution_of(name), path);
        const Image image = decode_captcha(read_image_file(path), path, how);
        pixels_.insert(pixels_.end(), image.pixels.begin(), image.pixels.end());
        solutions_.push_back(solution);
        names_.push_back(name);
      } catch (const Error& error) {
        if (bad == BadFiles::fail) throw;
        const std::string what = error.what();
        bad_.push_back({path, what.starts_with(path + ": ") ? what.substr(path.size() + 2) : what});
        left_out.push_back(name);
      }
    }
    if (names_.empty())
      throw Error(folder_.string() + ": no usable image among " + std::to_string(found.size()) +
                  " files, expected CAPTCHAs named by their solution, such as 2b827.png" +
                  (bad_.empty() ? "" : "; the first: " + bad_.front().name + ": " + bad_.front().reason));
    if (bad != BadFiles::quarantine) return;
    const std::vector<std::filesystem::path> moved = quarantine(folder_, left_out);
    for (std::size_t i = 0; i < moved.size(); ++i) bad_[i].reason += "; moved to " + moved[i].string();
  }

  std::size_t size() const { return names_.size(); }
  Solution get(std::size_t index, std::span<float> pixels) const {
    const std::span image = std::span(pixels_).subspan(index * shape.size(), shape.size());
    to_values(image, pixels);
    return target(index);
  }
  Solution target(std::size_t index) const { return solutions_[index]; }
  std::vector<std::string> classes() const { return class_names(); }
  std::string name(std::size_t index) const { return (folder_ / names_[index]).string(); }
  /// Pictures of one solution may be copies, so a split keeps them together.
  std::string group(std::size_t index) const { return solution_of(names_[index]); }

  /// The picture of a file, grey.
  Image image(std::size_t index) const {
    const std::span pixels = std::span(pixels_).subspan(index * shape.size(), shape.size());
    return {captcha_height, captcha_width, 1, {pixels.begin(), pixels.end()}};
  }
  /// The files that were left out.
  const std::vector<BadFile>& report() const { return bad_; }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  std::vector<Solution> solutions_;
  std::vector<std::uint8_t> pixels_;
  std::vector<BadFile> bad_;
};

}  // namespace captcha::app
