// CAPTCHAs that are drawn when they are asked for: training data without end.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/data/dataset.hpp>

#include "captchas.hpp"
#include "draw_captcha.hpp"
#include "glyph_font.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace captcha::app {

/// How many are drawn to judge a solver by that no real images are given for, and with which seed.
inline constexpr std::size_t drawn_to_judge = 500;
inline constexpr std::uint64_t drawn_seed = 0x50'1F'E5;

/// `count` CAPTCHAs as a data set; in every epoch of a training they are others.
class DrawnCaptchas {
 public:
  static constexpr Shape shape = captcha_shape;

  /// Throws Error if the font is missing.
  explicit DrawnCaptchas(std::size_t count) : count_(count) {
    if (count > 0) installed_glyphs();
  }
  /// The same ones of that seed in every epoch.
  DrawnCaptchas(std::size_t count, std::uint64_t seed) : DrawnCaptchas(count) { seed_ = seed; }

  std::size_t size() const { return count_; }
  Solution get(std::size_t index, std::span<float> pixels, Random& random) const {
    Random fixed(seed_.value_or(0), Purpose::generate, 0, index);
    Random& own = seed_ ? fixed : random;
    const std::string text = random_text(own);
    const Captcha captcha = draw_captcha(text, own);
    to_values(captcha.image.pixels, pixels);
    return solution_numbers(text, "drawn");
  }
  std::vector<std::string> classes() const { return class_names(); }
  std::string name(std::size_t index) const { return "drawn CAPTCHA " + std::to_string(index); }

 private:
  std::size_t count_;
  std::optional<std::uint64_t> seed_{};
};

}  // namespace captcha::app
