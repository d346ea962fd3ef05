// Rotation, shift, scale and shear in one resampling.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/data/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>

namespace captcha {

/// Where the pixel (x, y) of the result comes from, both counted from the centre of the image, x to the right
/// and y down: (xx x + xy y + dx, yx x + yy y + dy).
struct AffineMap {
  float xx = 1.0f, xy = 0.0f, yx = 0.0f, yy = 1.0f, dx = 0.0f, dy = 0.0f;
};

/// The mean of the outermost rows and columns of one channel.
CAPTCHA_INLINE float border_mean(std::span<const float> channel, int height, int width);

/// Resamples every channel through `map`, with bilinear interpolation. What lies outside the image is `fill`,
/// or the mean of the channel's border where none is given.
CAPTCHA_INLINE void resample(std::span<float> pixels, Shape shape, AffineMap map,
                             std::optional<float> fill = {});

/// Turns, moves, scales and slants an image about its centre, every amount drawn uniformly from its range.
struct Affine {
  float rotate = 10.0f;         ///< degrees, clockwise from -rotate to rotate
  float shift = 0.05f;          ///< of the width and of the height, either way
  float scale = 0.1f;           ///< factor from 1 / (1 + scale) to 1 + scale, uniform in its logarithm
  float shear = 5.0f;           ///< degrees by which columns lean, either way
  std::optional<float> fill{};  ///< value outside the image; the mean of the border where empty
  float probability = 1.0f;

  void operator()(std::span<float> pixels, Shape shape, Random& random) const;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE float border_mean(std::span<const float> channel, int height, int width) {
  const std::size_t columns = static_cast<std::size_t>(width);
  double sum = 0.0;
  for (std::size_t x = 0; x < columns; ++x)
    sum += static_cast<double>(channel[x] + channel[channel.size() - columns + x]);
  for (std::size_t start = 0; start < channel.size(); start += columns)
    sum += static_cast<double>(channel[start] + channel[start + columns - 1]);
  return static_cast<float>(sum / (2.0 * (height + width)));
}

CAPTCHA_INLINE void resample(std::span<float> pixels, Shape shape, AffineMap map, std::optional<float> fill) {
  struct Source;
  const int height = shape.height, width = shape.width, stride = width + 3;
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  // The source with a frame of fill, one pixel wide (two at the far ends): coordinates clamped to the frame
  // then need no other test.
  const std::span<float> source = thread_buffer<Source>(static_cast<std::size_t>(stride * (height + 3)));
  // Coordinates count in 2^-32 pixels: clamped as integers they cost no branch.
  constexpr std::int64_t one = std::int64_t{1} << 32;
  const auto fixed = [](float value) {
    constexpr float limit = 0x1p17f;  // far outside, and NaN too
    return static_cast<std::int64_t>((value > -limit ? std::min(value, limit) : -limit) * 0x1p32f);
  };
  const auto part = [](std::int64_t value) { return static_cast<float>(value & (one - 1)) * 0x1p-32f; };
  const std::int64_t last_x = (width + 1) * one, last_y = (height + 1) * one;
  const std::int64_t step_x = fixed(map.xx), step_y = fixed(map.yx);
  const float centre_x = 0.5f * static_cast<float>(width - 1);
  const float centre_y = 0.5f * static_cast<float>(height - 1);

  for (std::size_t start = 0; start < pixels.size(); start += plane) {
    float* channel = pixels.data() + start;
    std::fill(source.begin(), source.end(),
              fill ? *fill : border_mean(pixels.subspan(start, plane), height, width));
    for (int y = 0; y < height; ++y)
      std::copy_n(channel + y * width, width, source.data() + (y + 1) * stride + 1);
    for (int y = 0; y < height; ++y) {
      const float v = static_cast<float>(y) - centre_y;
      std::int64_t from_x = fixed(map.xy * v - map.xx * centre_x + map.dx + centre_x + 1.0f);
      std::int64_t from_y = fixed(map.yy * v - map.yx * centre_x + map.dy + centre_y + 1.0f);
      for (int x = 0; x < width; ++x, from_x += step_x, from_y += step_y) {
        const std::int64_t inside_x = std::clamp<std::int64_t>(from_x, 0, last_x);
        const std::int64_t inside_y = std::clamp<std::int64_t>(from_y, 0, last_y);
        const float* upper = source.data() + (inside_y >> 32) * stride + (inside_x >> 32);
        const float* lower = upper + stride;
        const float above = upper[0] + part(inside_x) * (upper[1] - upper[0]);
        const float below = lower[0] + part(inside_x) * (lower[1] - lower[0]);
        *channel++ = above + part(inside_y) * (below - above);
      }
    }
  }
}

CAPTCHA_INLINE void Affine::operator()(std::span<float> pixels, Shape shape, Random& random) const {
  if (!random.coin(probability)) return;
  constexpr float radian = std::numbers::pi_v<float> / 180.0f;
  const float angle = random.uniform(-rotate, rotate) * radian;
  const float lean = std::tan(random.uniform(-shear, shear) * radian);
  const float shrink = std::exp(-random.uniform(-1.0f, 1.0f) * std::log1p(scale));
  const float move_x = random.uniform(-shift, shift) * static_cast<float>(shape.width);
  const float move_y = random.uniform(-shift, shift) * static_cast<float>(shape.height);
  // The inverse of (rotation * shear * scale), applied after the shift is taken back.
  const float c = std::cos(angle), s = std::sin(angle);
  AffineMap map{shrink * (c + lean * s), shrink * (s - lean * c), -shrink * s, shrink * c};
  map.dx = -(map.xx * move_x + map.xy * move_y);
  map.dy = -(map.yx * move_x + map.yy * move_y);
  resample(pixels, shape, map, fill);
}
#endif

}  // namespace captcha
