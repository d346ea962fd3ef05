// Things that hide a part of the image: erased boxes and strike-through lines.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/tone.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace captcha {

/// Random erasing (Zhong, Zheng, Kang, Li, Yang 2017, arXiv:1708.04896): overwrites a box of random area,
/// proportion and place, in all channels. A box longer than a side is cut to it.
struct RandomErasing {
  float smallest = 0.02f;        ///< area of the box as a fraction of the image's
  float largest = 0.2f;          ///< same
  float aspect = 3.3f;           ///< height / width from 1 / aspect to aspect, uniform in its logarithm
  std::optional<float> value{};  ///< what is written; random values of the image's range where empty
  float probability = 0.5f;

  void operator()(std::span<float> pixels, Shape shape, Random& random) const;

 private:
  static int side(float length, int limit) {
    return static_cast<int>(std::min(std::max(0.0f, std::round(length)), static_cast<float>(limit)));
  }
  static int place(int free, Random& random) {
    return static_cast<int>(random.below(static_cast<std::uint32_t>(free) + 1));
  }
};

/// Draws straight lines from the left edge to the right one, with smooth edges.
struct StrikeThrough {
  int lines = 2;                 ///< from 1 to this many
  float thickness = 2.5f;        ///< pixels, from 1 to this
  float slope = 0.5f;            ///< the ends of a line differ by at most this part of the height
  std::optional<float> value{};  ///< of the line; the smallest value of the image (its darkest) where empty
  float probability = 0.5f;

  void operator()(std::span<float> pixels, Shape shape, Random& random) const;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void RandomErasing::operator()(std::span<float> pixels, Shape shape, Random& random) const {
  if (!random.coin(probability)) return;
  const auto [low, high] = range_of(pixels);
  const float area =
      random.uniform(smallest, largest) * static_cast<float>(shape.height) * static_cast<float>(shape.width);
  const float ratio = std::exp(random.uniform(-1.0f, 1.0f) * std::log(aspect));
  const int height = side(std::sqrt(area * ratio), shape.height);
  const int width = side(std::sqrt(area / ratio), shape.width);
  const int top = place(shape.height - height, random), left = place(shape.width - width, random);
  for (int channel = 0; channel < shape.channels; ++channel)
    for (int y = top; y < top + height; ++y) {
      const int start = (channel * shape.height + y) * shape.width + left;
      for (float& pixel : pixels.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(width)))
        pixel = value ? *value : random.uniform(low, high);
    }
}

CAPTCHA_INLINE void StrikeThrough::operator()(std::span<float> pixels, Shape shape, Random& random) const {
  if (!random.coin(probability) || lines < 1) return;
  const float colour = value ? *value : range_of(pixels).low;
  const float height = static_cast<float>(shape.height);
  const std::uint32_t count = 1 + random.below(static_cast<std::uint32_t>(lines));
  for (std::uint32_t line = 0; line < count; ++line) {
    const float middle = random.uniform(0.0f, height - 1.0f);
    const float rise = random.uniform(-slope, slope) * height / static_cast<float>(shape.width);
    const float half = 0.5f * random.uniform(1.0f, thickness) * std::sqrt(1.0f + rise * rise);
    for (int x = 0; x < shape.width; ++x) {
      const float centre = middle + rise * (static_cast<float>(x) - 0.5f * static_cast<float>(shape.width));
      const float reach = half + 0.5f;
      const int first = static_cast<int>(std::min(std::max(0.0f, std::ceil(centre - reach)), height));
      const int end = static_cast<int>(std::min(std::max(0.0f, std::floor(centre + reach) + 1.0f), height));
      for (int channel = 0; channel < shape.channels; ++channel)
        for (int y = first; y < end; ++y) {
          const float cover = std::min(reach - std::abs(static_cast<float>(y) - centre), 1.0f);
          float& pixel = pixels[static_cast<std::size_t>((channel * shape.height + y) * shape.width + x)];
          pixel += cover * (colour - pixel);
        }
    }
  }
}
#endif

}  // namespace captcha
