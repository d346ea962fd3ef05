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

/// What a product of so many rows costs: full tiles have eight, smaller ones wait for their weights.
constexpr int cost_of(int rows) {
  return rows / 8 * 16 + rows % 8 / 4 * 12 + rows % 4 / 2 * 8 + rows % 2 * 6;
}

/// Whether it is cheaper to take the columns of the image one after the other than all together: each column
/// then leaves out the taps that are padding for it, but makes smaller products.
constexpr bool by_column(const ConvGeometry& g, int samples) {
  const auto taps = [&](int begin, int end) {
    const Slice some = reached(g.columns, begin, end);
    return some.end - some.begin;
  };
  int apart = 0;
  for (int column = 0; column < g.columns.out; ++column)
    apart += taps(column, column + 1) * cost_of(g.rows.out * samples);
  const int together = taps(0, g.columns.out) * cost_of(g.rows.out * g.columns.out * samples);
  return apart * 6 < together * 5;
}

/// y = w * x and `ending` for the last `samples` of the batch. `scratch` holds Padded::values. The rows of a
/// product are pixels of any place and sample, so that the weights are read seldom.
template <class T>
void forward_few(const ConvGeometry& g, int samples, const T* x, const T* w, const Ending<T>& ending, T* y,
                 T* scratch, Workers& workers) {
  const Padded padded(g, samples);
  pad(g, padded, x, scratch, workers);
  const int width = by_column(g, samples) ? 1 : g.columns.out;  // columns taken together
  const int blocks = blocks_of(g), stretches = g.columns.out / width, rows = g.rows.out * width * samples;
  const int parts = (rows + few_rows - 1) / few_rows;
  workers.run(g.groups * blocks * stretches * parts, [&](int task) {
    const int part = task % parts, first_column = task / parts % stretches * width;
    const int group = task / (parts * stretches * blocks);
    const Block block = block_of(g, group, task / (parts * stretches) % blocks);
    const int begin = part * few_rows, count = std::min(few_rows, rows - begin);
    std::array<std::ptrdiff_t, std::size_t{few_rows}> from, to;
    for (int i = 0; i < count; ++i) {
      const int pixel = (begin + i) / samples, sample = (begin + i) % samples;
      const int row = pixel / width, column = first_column + pixel % width;
      from[static_cast<std::size_t>(i)] = padded.at(row * g.rows.stride, column * g.columns.stride) + sample;
      to[static_cast<std::size_t>(i)] =
          g.out(row, column) + std::ptrdiff_t{block.first + 1} * g.samples - samples + sample;
    }
    const int first_row = begin / samples / width, last_row = (begin + count - 1) / samples / width;
    const Slice row_taps = reached(g.rows, first_row, last_row + 1);
    const Slice column_taps = reached(g.columns, first_column, first_column + width);
    const int step = together(g, column_taps);
    std::array<T, std::size_t{few_rows} * block_width> sums;
    Sum<T> sum({.rows = count,
                .columns = block.width,
                .depth = step * g.group_in(),
                .a = scratch + std::ptrdiff_t{group} * g.group_in() * samples,
                .a_rows = from.data(),
                .a_step = samples,
                .b = w,
                .b_step = block.width,
                .c = sums.data(),
                .c_row = block_width});
    for (int r = row_taps.begin; r < row_taps.end; ++r)
      for (int c = column_taps.begin; c < column_taps.end; c += step)
        sum.add({padded.at(r * g.rows.dilation, c * g.columns.dilation), block.tap(g, r, c)});
    sum.finish();
    for (int i = 0; i < count; ++i)
      ending.store(sums.data() + i * block_width, block.width, block.first, y,
                   to[static_cast<std::size_t>(i)], g.samples);
  });
}

}  // namespace captcha::direct
