// A decoded picture as it comes from a file: 8-bit samples, rows from the top.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace captcha {

/// height x width pixels of `channels` 8-bit samples each (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA), stored
/// row by row, the samples of a pixel together: pixels[(row * width + column) * channels + channel].
struct Image {
  int height = 0;
  int width = 0;
  int channels = 1;
  std::vector<std::uint8_t> pixels;

  std::uint8_t& at(int row, int column, int channel = 0) { return pixels[offset(row, column, channel)]; }
  std::uint8_t at(int row, int column, int channel = 0) const { return pixels[offset(row, column, channel)]; }

 private:
  std::size_t offset(int row, int column, int channel) const {
    return (static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
            static_cast<std::size_t>(column)) *
               static_cast<std::size_t>(channels) +
           static_cast<std::size_t>(channel);
  }
};

/// The value of a sample, from 0 to 1.
constexpr float to_value(std::uint8_t sample) {
  return static_cast<float>(sample) * (1.0f / 255.0f);
}
/// The values of samples that are in the order of `values` already, as those of a grey image are.
inline void to_values(std::span<const std::uint8_t> samples, std::span<float> values) {
  std::transform(samples.begin(), samples.end(), values.begin(), to_value);
}

}  // namespace captcha
