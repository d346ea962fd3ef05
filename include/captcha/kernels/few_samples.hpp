// Convolution of one to fifteen samples: too few to fill a register, so outputs lie side by side instead.
#pragma once

#include <captcha/kernels/conv_geometry.hpp>
#include <captcha/kernels/tile.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace captcha::direct {

using convolution::Block;
using convolution::block_of;
using convolution::block_width;
using convolution::blocks_of;
using convolution::together;

/// The images with their padding, of the last `samples` of the batch.
struct Padded {
  int samples;
  int rows;
  int columns;
  std::ptrdiff_t pixel;  ///< values of one pixel

  constexpr Padded(const ConvGeometry& g, int count)
      : samples(count),
        rows(g.rows.in + 2 * g.rows.padding),
        columns(g.columns.in + 2 * g.columns.padding),
        pixel(std::ptrdiff_t{g.in_channels} * count) {}
  constexpr std::ptrdiff_t at(int row, int column) const {
    return (std::ptrdiff_t{row} * columns + column) * pixel;
  }
  constexpr std::size_t values() const { return static_cast<std::size_t>(at(rows, 0)); }
};

template <class T>
void pad(const ConvGeometry& g, const Padded& padded, const T* x, T* to, Workers& workers) {
  workers.run(padded.rows, [&](int row) {
    const int in_row = row - g.rows.padding;
    for (int column = 0; column < padded.columns; ++column) {
      const int in_column = column - g.columns.padding;
      T* const pixel = to + padded.at(row, column);
      if (in_row < 0 || in_row >= g.rows.in || in_column < 0 || in_column >= g.columns.in)
        std::fill_n(pixel, padded.pixel, T{0});
      else if (padded.samples == g.samples)
        std::copy_n(x + g.in(in_row, in_column), padded.pixel, pixel);
      else
        for (int channel = 0; channel < g.in_channels; ++channel)
          std::copy_n(x + g.in(in_row, in_column) + std::ptrdiff_t{channel + 1} * g.samples - padded.samples,
                      padded.samples, pixel + std::ptrdiff_t{channel} * padded.samples);
    }
  });
}

/// The taps that reach inside the input from some of the output positions [begin, end).
constexpr Slice reached(const Axis& axis, int begin, int end) {
  Slice all = axis.taps(begin);
  for (int position = begin + 1; position < end; ++position) {
    const Slice taps = axis.taps(position);
    all = {std::min(all.begin, taps.begin), std::max(all.end, taps.end)};
  }
  return all;
}

/// Rows of a task of forward_few.
inline constexpr int few_rows = 32;

/// Whether so many of the taps are padding that it pays to leave them out column by column, in smaller
/// products.
constexpr bool by_column(const Axis& columns) {
  int live = 0;
  for (int c = 0; c < columns.kernel; ++c) live += columns.outputs(c).end - columns.outputs(c).begin;
  return 8 * live < 7 * columns.kernel * columns.out;
}

/// y = w * x and `ending` for the last `samples` of the batch. `scratch` holds Padded::values. The rows of a
/// product are pixels of any place and sample, so that the weights are read seldom.
template <class T>
void forward_few(const ConvGeometry& g, int samples, const T* x, const T* w, const Ending<T>& ending, T* y,
                 T* scratch, Workers& workers) {
  const Padded padded(g, samples);
  pad(g, padded, x, scratch, workers);
  const int blocks = blocks_of(g), height = g.rows.out * samples, rows = g.columns.out * height;
  const int parts = (rows + few_rows - 1) / few_rows;
  const bool apart = by_column(g.columns);
  workers.run(g.groups * blocks * parts, [&](int task) {
    const int part = task % parts, group = task / (parts * blocks);
    const Block block = block_of(g, group, task / parts % blocks);
    const Slice some{part * few_rows, std::min(part * few_rows + few_rows, rows)};
    std::array<std::ptrdiff_t, std::size_t{few_rows}> from, to;
    int first_row = g.rows.out, last_row = 0;
    for (int i = some.begin; i < some.end; ++i) {
      const int column = i / height, row = i % height / samples, sample = i % samples;
      const auto at = static_cast<std::size_t>(i - some.begin);
      from[at] = padded.at(row * g.rows.stride, column * g.columns.stride) + sample;
      to[at] = g.out(row, column) + std::ptrdiff_t{block.first + 1} * g.samples - samples + sample;
      first_row = std::min(first_row, row);
      last_row = std::max(last_row, row);
    }
    const Slice row_taps = reached(g.rows, first_row, last_row + 1);
    std::array<T, std::size_t{few_rows} * block_width> sums{};
    const auto reach = [&](int c) {
      if (!apart) return some;
      const Slice columns = g.columns.outputs(c);
      return Slice{std::max(some.begin, columns.begin * height), std::min(some.end, columns.end * height)};
    };
    // The rows for which some kernel columns are inside the image are a product of their own.
    for (int c = 0, end = 0; c < g.columns.kernel; c = end) {
      const Slice own = reach(c);
      for (end = c + 1; end < g.columns.kernel; ++end)
        if (const Slice other = reach(end); other.begin != own.begin || other.end != own.end) break;
      if (own.begin >= own.end) continue;
      const int skipped = own.begin - some.begin, step = together(g, {c, end});
      Sum<T> sum({.rows = own.end - own.begin,
                  .columns = block.width,
                  .depth = step * g.group_in(),
                  .a = scratch + std::ptrdiff_t{group} * g.group_in() * samples,
                  .a_rows = from.data() + skipped,
                  .a_step = samples,
                  .b = w,
                  .b_step = block.width,
                  .c = sums.data() + skipped * block_width,
                  .c_row = block_width,
                  .start = Start::memory,
                  .then = w + block.tap(g, row_taps.begin, end % g.columns.kernel)});
      for (int r = row_taps.begin; r < row_taps.end; ++r)
        for (int k = c; k < end; k += step)
          sum.add({padded.at(r * g.rows.dilation, k * g.columns.dilation), block.tap(g, r, k)});
      sum.finish();
    }
    for (int i = 0; i < some.end - some.begin; ++i)
      ending.store(sums.data() + i * block_width, block.width, block.first, y,
                   to[static_cast<std::size_t>(i)], g.samples);
  });
}

}  // namespace captcha::direct
