// What a convolution looks like in memory.
//
// Activations lie as [row][column][channel][sample], weights as [block of outputs][kernel row][kernel column]
// [in][output]: outputs side by side, `block_width` of them, so that one order serves forward and backward.
#pragma once

#include <captcha/kernels/axis.hpp>

#include <algorithm>
#include <cstddef>

namespace captcha {

/// Everything a convolution kernel needs to know, at run time.
struct ConvGeometry {
  int samples;
  int in_channels;
  int out_channels;
  int groups;
  Axis rows;
  Axis columns;

  constexpr int group_in() const { return in_channels / groups; }
  constexpr int group_out() const { return out_channels / groups; }
  /// Values from one pixel to the next.
  constexpr std::ptrdiff_t in_pixel() const { return std::ptrdiff_t{in_channels} * samples; }
  constexpr std::ptrdiff_t out_pixel() const { return std::ptrdiff_t{out_channels} * samples; }
  /// Where a pixel starts.
  constexpr std::ptrdiff_t in(int row, int column) const {
    return (std::ptrdiff_t{row} * columns.in + column) * in_pixel();
  }
  constexpr std::ptrdiff_t out(int row, int column) const {
    return (std::ptrdiff_t{row} * columns.out + column) * out_pixel();
  }
  constexpr int taps() const { return rows.kernel * columns.kernel; }
};

/// What becomes of a convolution's sums before they are stored: bias (O) is added, or is null; `add`, which
/// lies as the output does, is added, or is null; negative ones become 0 if `rectify` says so.
template <class T>
struct Ending {
  const T* bias = nullptr;
  const T* add = nullptr;
  bool rectify = false;

  /// Stores the sums of `count` channels, `first` being the first, in y at `at` and every `pace` from there.
  void store(const T* sums, int count, int first, T* y, std::ptrdiff_t at, std::ptrdiff_t pace) const {
    if (pace == 1)
      for (int o = 0; o < count; ++o) y[at + o] = end(sums[o], first + o, at + o);
    else
      for (int o = 0; o < count; ++o) y[at + o * pace] = end(sums[o], first + o, at + o * pace);
  }

 private:
  T end(T sum, int channel, std::ptrdiff_t at) const {
    if (bias) sum += bias[channel];
    if (add) sum += add[at];
    return rectify && sum < T{0} ? T{0} : sum;
  }
};

namespace convolution {

/// Outputs whose weights lie side by side.
inline constexpr int block_width = 32;

/// A block of outputs of one group: the first one, how many, and where its weights start.
struct Block {
  int first;
  int width;
  std::ptrdiff_t weights;

  /// Where the weights of a kernel row and column start.
  constexpr std::ptrdiff_t tap(const ConvGeometry& g, int row, int column) const {
    return weights + (std::ptrdiff_t{row} * g.columns.kernel + column) * g.group_in() * width;
  }
};
constexpr int blocks_of(const ConvGeometry& g) {
  return (g.group_out() + block_width - 1) / block_width;
}
constexpr Block block_of(const ConvGeometry& g, int group, int index) {
  const int first = group * g.group_out() + index * block_width;
  return {first, std::min(block_width, (group + 1) * g.group_out() - first),
          std::ptrdiff_t{first} * g.taps() * g.group_in()};
}

/// Kernel columns whose inputs lie together in memory, of `taps`: all, or one at a time with groups or
/// dilation.
constexpr int together(const ConvGeometry& g, Slice taps) {
  return g.groups == 1 && g.columns.dilation == 1 ? taps.end - taps.begin : 1;
}

}  // namespace convolution

}  // namespace captcha
