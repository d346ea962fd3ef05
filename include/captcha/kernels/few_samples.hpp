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
    T* const begin = to + padded.at(row, 0);
    if (in_row < 0 || in_row >= g.rows.in) {
      std::fill(begin, to + padded.at(row + 1, 0), T{0});
      return;
    }
    const T* const values = x + g.in(in_row, 0);
    T* const first = to + padded.at(row, g.columns.padding);
    T* const last = first + g.columns.in * padded.pixel;
    std::fill(begin, first, T{0});
    if (padded.samples == g.samples)
      std::copy_n(values, last - first, first);
    else
      for (std::ptrdiff_t i = 0; i < std::ptrdiff_t{g.columns.in} * g.in_channels; ++i)
        std::copy_n(values + (i + 1) * g.samples - padded.samples, padded.samples,
                    first + i * padded.samples);
    std::fill(last, to + padded.at(row + 1, 0), T{0});
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

/// Blocks of outputs that a task of forward_few computes together. In products of up to four rows all that
/// matters is how fast the weights come, and those of several blocks come faster side by side than one after
/// the other. Where columns are left out, most products have about half of the rows.
constexpr int blocks_at_once(const ConvGeometry& g, int rows) {
  const int wanted = rows <= 2 ? 4 : rows <= 8 && by_column(g.columns) ? 2 : 1;
  return g.group_out() % (wanted * block_width) == 0 ? wanted : 1;
}

/// y = w * x and `ending` for the last `samples` of the batch. `scratch` holds Padded::values. The rows of a
/// product are pixels of any place and sample, so that the weights are read seldom.
template <class T, class W>
void forward_few(const ConvGeometry& g, int samples, const T* x, const W* w, const Ending<T>& ending, T* y,
                 T* scratch, Workers& workers) {
  const Padded padded(g, samples);
  pad(g, padded, x, scratch, workers);
  const int height = g.rows.out * samples, rows = g.columns.out * height;
  const int at_once = blocks_at_once(g, rows), chunks = blocks_of(g) / at_once;
  const int parts = (rows + few_rows - 1) / few_rows;
  const bool apart = by_column(g.columns);
  workers.run(g.groups * chunks * parts, [&](int task) {
    const int part = task % parts, group = task / (parts * chunks);
    const Block block = block_of(g, group, task / parts % chunks * at_once);
    const int width = block.width * at_once;
    const Slice some{part * few_rows, std::min(part * few_rows + few_rows, rows)};
    std::array<std::ptrdiff_t, std::size_t{few_rows}> from, to;
    int first_row = g.rows.out, last_row = 0;
    int column = some.begin / height, row = some.begin % height / samples, sample = some.begin % samples;
    for (std::size_t i = 0; i < static_cast<std::size_t>(some.end - some.begin); ++i) {
      from[i] = padded.at(row * g.rows.stride, column * g.columns.stride) + sample;
      to[i] = g.out(row, column) + std::ptrdiff_t{block.first + 1} * g.samples - samples + sample;
      first_row = std::min(first_row, row);
      last_row = std::max(last_row, row);
      if (++sample < samples) continue;
      sample = 0;
      if (++row < g.rows.out) continue;
      row = 0;
      ++column;
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
      Sum<T, W> sum({.rows = own.end - own.begin,
                     .columns = width,
                     .depth = step * g.group_in(),
                     .a = scratch + std::ptrdiff_t{group} * g.group_in() * samples,
                     .a_rows = from.data() + skipped,
                     .a_step = samples,
                     .b = w,
                     .b_step = block.width,
                     .b_block = at_once > 1 ? std::ptrdiff_t{g.taps()} * g.group_in() * block_width : 0,
                     .c = sums.data() + skipped * width,
                     .c_row = width,
                     .start = Start::memory,
                     .then = w + block.tap(g, row_taps.begin, end % g.columns.kernel)});
      for (int r = row_taps.begin; r < row_taps.end; ++r)
        for (int k = c; k < end; k += step)
          sum.add({padded.at(r * g.rows.dilation, k * g.columns.dilation), block.tap(g, r, k)});
      sum.finish();
    }
    for (int i = 0; i < some.end - some.begin; ++i)
      ending.store(sums.data() + i * width, width, block.first, y, to[static_cast<std::size_t>(i)],
                   g.samples);
  });
}

}  // namespace captcha::direct
