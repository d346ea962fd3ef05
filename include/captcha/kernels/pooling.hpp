// Max and average pooling over [row][channel][column][sample] memory; one task handles one row.
#pragma once

#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace captcha {

/// Geometry of a pooling window; channels stay apart.
struct PoolGeometry {
  int samples;
  int channels;
  Axis rows;
  Axis columns;

  /// Start of the N samples of one input (output) pixel.
  constexpr std::size_t in(int row, int channel, int column) const {
    return at(row, channel, column, columns.in);
  }
  constexpr std::size_t out(int row, int channel, int column) const {
    return at(row, channel, column, columns.out);
  }

 private:
  constexpr std::size_t at(int row, int channel, int column, int width) const {
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    return ((size(row) * size(channels) + size(channel)) * size(width) + size(column)) * size(samples);
  }
};

/// Calls f(input offset, output offset) for every pair of an output pixel in `row` of `channel` and an input
/// pixel that its window covers, window by window in row-major order. Padding is left out.
template <class F>
void for_each_pair(const PoolGeometry& g, int row, int channel, F&& f) {
  const Slice row_taps = g.rows.taps(row);
  for (int column = 0; column < g.columns.out; ++column) {
    const Slice column_taps = g.columns.taps(column);
    for (int r = row_taps.begin; r < row_taps.end; ++r)
      for (int c = column_taps.begin; c < column_taps.end; ++c)
        f(g.in(g.rows.input(row, r), channel, g.columns.input(column, c)), g.out(row, channel, column));
  }
}

/// y = the largest value in each window; not-a-number wins, as in PyTorch. x (N, C, H, W), y (N, C, OH, OW).
template <class T>
[[gnu::noinline]] void max_pool_forward(const PoolGeometry& g, const T* x, T* y, Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  workers.run(g.rows.out, [&](int row) {
    std::fill(y + g.out(row, 0, 0), y + g.out(row + 1, 0, 0), -std::numeric_limits<T>::infinity());
    for (int channel = 0; channel < g.channels; ++channel)
      for_each_pair(g, row, channel, [&](std::size_t in, std::size_t out) {
        for (std::size_t n = 0; n < samples; ++n) {
          const T value = x[in + n];
          if (value > y[out + n] || value != value) y[out + n] = value;
        }
      });
  });
}

/// dx = dy at the first largest value of each window, 0 elsewhere: overwritten. The place is found again from
/// x and y, which both neighbours keep anyway. `taken` is scratch of C * N values.
template <class T>
[[gnu::noinline]] void max_pool_backward(const PoolGeometry& g, const T* x, const T* y, const T* dy, T* dx,
                                         T* taken, Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  workers.run(g.channels, [&](int channel) {
    T* done = taken + static_cast<std::size_t>(channel) * samples;
    for (int row = 0; row < g.rows.in; ++row)
      std::fill(dx + g.in(row, channel, 0), dx + g.in(row, channel, g.columns.in), T{0});
    for (int row = 0; row < g.rows.out; ++row) {
      std::size_t window = std::numeric_limits<std::size_t>::max();
      for_each_pair(g, row, channel, [&](std::size_t in, std::size_t out) {
        if (out != window) {
          window = out;
          std::fill_n(done, samples, T{0});
        }
        for (std::size_t n = 0; n < samples; ++n) {
          const bool chosen = x[in + n] == y[out + n] && done[n] == T{0};
          dx[in + n] += chosen ? dy[out + n] : T{0};
          done[n] = chosen ? T{1} : done[n];
        }
      });
    }
  });
}

/// The number of values that PyTorch divides a window's sum by: those inside the padded input, or with
/// `count_padding` false those inside the input.
constexpr int pool_divisor(const PoolGeometry& g, int row, int column, bool count_padding) {
  const auto covered = [&](const Axis& axis, int position) {
    const Slice taps = axis.taps(position);
    return count_padding ? std::min(axis.kernel, axis.in + axis.padding - axis.input(position, 0))
                         : taps.end - taps.begin;
  };
  return covered(g.rows, row) * covered(g.columns, column);
}

/// y = the average of each window. x (N, C, H, W), y (N, C, OH, OW).
template <class T>
[[gnu::noinline]] void average_pool_forward(const PoolGeometry& g, bool count_padding, const T* x, T* y,
                                            Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  workers.run(g.rows.out, [&](int row) {
    std::fill(y + g.out(row, 0, 0), y + g.out(row + 1, 0, 0), T{0});
    for (int channel = 0; channel < g.channels; ++channel) {
      for_each_pair(g, row, channel, [&](std::size_t in, std::size_t out) {
        for (std::size_t n = 0; n < samples; ++n) y[out + n] += x[in + n];
      });
      for (int column = 0; column < g.columns.out; ++column) {
        const T scale = T{1} / static_cast<T>(pool_divisor(g, row, column, count_padding));
        T* pixel = y + g.out(row, channel, column);
        for (std::size_t n = 0; n < samples; ++n) pixel[n] *= scale;
      }
    }
  });
}

/// dx = dy shared out evenly over each window: overwritten.
template <class T>
[[gnu::noinline]] void average_pool_backward(const PoolGeometry& g, bool count_padding, const T* dy, T* dx,
                                             Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  workers.run(g.channels, [&](int channel) {
    for (int row = 0; row < g.rows.in; ++row)
      std::fill(dx + g.in(row, channel, 0), dx + g.in(row, channel, g.columns.in), T{0});
    for (int row = 0; row < g.rows.out; ++row) {
      const std::size_t first = g.out(row, channel, 0);
      for_each_pair(g, row, channel, [&](std::size_t in, std::size_t out) {
        const int column = static_cast<int>((out - first) / samples);
        const T scale = T{1} / static_cast<T>(pool_divisor(g, row, column, count_padding));
        for (std::size_t n = 0; n < samples; ++n) dx[in + n] += dy[out + n] * scale;
      });
    }
  });
}

/// y[c] = the average of channel c over the whole image, one value a sample. x (N, C, H, W), y (N, C).
template <class T>
[[gnu::noinline]] void global_average_forward(const PoolGeometry& g, const T* x, T* y, Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  const T scale = T{1} / static_cast<T>(g.rows.in * g.columns.in);
  workers.run(g.channels, [&](int channel) {
    T* sums = y + static_cast<std::size_t>(channel) * samples;
    std::fill_n(sums, samples, T{0});
    for (int row = 0; row < g.rows.in; ++row)
      for (int column = 0; column < g.columns.in; ++column) {
        const T* pixel = x + g.in(row, channel, column);
        for (std::size_t n = 0; n < samples; ++n) sums[n] += pixel[n];
      }
    for (std::size_t n = 0; n < samples; ++n) sums[n] *= scale;
  });
}

/// dx = dy shared out evenly over the image: overwritten.
template <class T>
[[gnu::noinline]] void global_average_backward(const PoolGeometry& g, const T* dy, T* dx, Workers& workers) {
  const auto samples = static_cast<std::size_t>(g.samples);
  const T scale = T{1} / static_cast<T>(g.rows.in * g.columns.in);
  workers.run(g.channels, [&](int channel) {
    const T* gradient = dy + static_cast<std::size_t>(channel) * samples;
    for (int row = 0; row < g.rows.in; ++row)
      for (int column = 0; column < g.columns.in; ++column) {
        T* pixel = dx + g.in(row, channel, column);
        for (std::size_t n = 0; n < samples; ++n) pixel[n] = gradient[n] * scale;
      }
  });
}

}  // namespace captcha
