// One axis of a sliding window: which inputs an output reads, which outputs an input reaches.
#pragma once

#include <captcha/kernels/workers.hpp>

#include <algorithm>

namespace captcha {

/// One axis (rows or columns) of a convolution or pooling window.
struct Axis {
  int in;
  int out;
  int kernel;
  int stride = 1;
  int padding = 0;
  int dilation = 1;

  /// The input position that tap `tap` reads for output `position`; outside [0, in) it is padding.
  constexpr int input(int position, int tap) const { return position * stride - padding + tap * dilation; }
  /// Output positions [begin, end) for which `tap` reads inside the input.
  constexpr Slice outputs(int tap) const {
    const int shift = padding - tap * dilation;
    const int begin = shift > 0 ? (shift + stride - 1) / stride : 0;
    const int end = shift + in > 0 ? (shift + in - 1) / stride + 1 : 0;
    return {std::min(begin, out), std::clamp(end, std::min(begin, out), out)};
  }
  /// Taps [begin, end) that read inside the input for output `position`.
  constexpr Slice taps(int position) const {
    const int start = input(position, 0);
    const int begin = start < 0 ? (-start + dilation - 1) / dilation : 0;
    const int end = start < in ? (in - 1 - start) / dilation + 1 : 0;
    return {std::min(begin, kernel), std::clamp(end, std::min(begin, kernel), kernel)};
  }
  /// Calls f(tap, output) for every tap through which an output reads input `position`.
  template <class F>
  constexpr void for_each_output(int position, F&& f) const {
    for (int tap = 0; tap < kernel; ++tap) {
      const int reach = position + padding - tap * dilation;
      if (reach >= 0 && reach % stride == 0 && reach / stride < out) f(tap, reach / stride);
    }
  }
  /// The length of the output axis: floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
  static constexpr int length(int in, int kernel, int stride, int padding, int dilation) {
    const int reach = in + 2 * padding - dilation * (kernel - 1) - 1;
    return reach < 0 ? 0 : reach / stride + 1;
  }
};

}  // namespace captcha
