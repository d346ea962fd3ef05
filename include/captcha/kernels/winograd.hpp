// 3 x 3 convolutions of stride 1 in fewer multiplications: see winograd_points.hpp. At each point of a
// tile the sum over channels is a matrix product.
#pragma once

#include <captcha/kernels/conv_geometry.hpp>
#include <captcha/kernels/tile.hpp>
#include <captcha/kernels/winograd_points.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace captcha::winograd {

using convolution::block_width;

/// The tile for a convolution and for its gradient by the input.
constexpr Tile tile_of(const ConvGeometry& g) {
  const auto outputs = [](const Axis& axis) { return std::max(axis.in, axis.out) <= 2 ? 2 : 4; };
  return {outputs(g.rows), outputs(g.columns)};
}

/// An axis of a convolution, or with `back` of its gradient by the input, which is a convolution too.
struct Side {
  int in;
  int out;
  int padding;
  int step;  ///< outputs of a tile

  constexpr Side(const Axis& axis, bool back, int outputs)
      : in(back ? axis.out : axis.in),
        out(back ? axis.in : axis.out),
        padding(back ? axis.kernel - 1 - axis.padding : axis.padding),
        step(outputs) {}

  constexpr int tiles() const { return (out + step - 1) / step; }

  /// The first input of a tile: may lie in the padding.
  constexpr int first(int tile) const { return tile * step - padding; }
  /// The inputs of a tile that exist, counted from its first one.
  constexpr Slice present(int tile) const {
    return {std::max(0, -first(tile)), std::min(step + 2, in - first(tile))};
  }
  /// The outputs of a tile that exist.
  constexpr Slice wanted(int tile) const { return {0, std::min(step, out - tile * step)}; }
};

/// Both sides of a convolution.
struct Sides {
  Side rows;
  Side columns;

  constexpr Sides(const ConvGeometry& g, bool back)
      : rows(g.rows, back, tile_of(g).rows), columns(g.columns, back, tile_of(g).columns) {}
  constexpr int tiles() const { return rows.tiles() * columns.tiles(); }
};

/// Whether this way is open, and shorter: with spreading and gathering a point costs about as much as 1.4
/// multiplications, and the direct sum takes one for each tap of each output.
template <class T>
constexpr bool pays(const ConvGeometry& g) {
  const auto fits = [](const Axis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.padding <= 2;
  };
  const auto taps = [](const Axis& axis) {
    int sum = 0;
    for (int i = 0; i < axis.out; ++i) sum += axis.taps(i).end - axis.taps(i).begin;
    return sum;
  };
  const std::size_t most = static_cast<std::size_t>(std::max(g.in_channels, g.out_channels));
  return fits(g.rows) && fits(g.columns) && g.groups == 1 && g.in_channels % block_width == 0 &&
         g.out_channels % block_width == 0 &&
         sizeof(T) * static_cast<std::size_t>(tile_of(g).points()) * 32 * (most + block_width) <=
             Workspace::bytes &&
         7 * tile_of(g).points() * Sides(g, false).tiles() < 5 * taps(g.rows) * taps(g.columns);
}

/// Values of all weights at the points, which lie as [block of outputs][point][in][output].
constexpr std::size_t weight_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(tile_of(g).points()) * static_cast<std::size_t>(g.in_channels) *
         static_cast<std::size_t>(g.out_channels);
}

/// A block's taps as a tile; with `back` in the opposite order.
template <class T>
Place<T> taps_of(const ConvGeometry& g, T* block, bool back) {
  const std::ptrdiff_t tap = std::ptrdiff_t{g.in_channels} * block_width;
  return back ? Place<T>{block + 8 * tap, -3 * tap, -tap, {0, 3}, {0, 3}}
              : Place<T>{block, 3 * tap, tap, {0, 3}, {0, 3}};
}

/// The weights at the points: for the convolution, or with `back` for its gradient by the input.
template <class T>
void spread_weights(const ConvGeometry& g, const T* w, bool back, T* to, Workers& workers) {
  const int values = g.in_channels * block_width;
  const Tile tile = tile_of(g);
  workers.run(g.out_channels / block_width, [&](int block) {
    on_registers(Spread<KernelMatrix, T>{tile,
                                         taps_of(g, w + std::ptrdiff_t{block} * 9 * values, back),
                                         {1, values, 0},
                                         to + std::ptrdiff_t{block} * tile.points() * values,
                                         values,
                                         values});
  });
}

/// y = the convolution of x with weights at the points, and `ending`. With `back` x is the gradient by the
/// output and y that by the input.
template <class T>
[[gnu::noinline]] void convolve(const ConvGeometry& g, bool back, const T* x, const T* spread_w,
                                const Ending<T>& ending, T* y, Workers& workers) {
  const Sides sides(g, back);
  const Side &rows = sides.rows, &columns = sides.columns;
  const Tile tile = tile_of(g);
  const int points = tile.points();
  const int ins = back ? g.out_channels : g.in_channels, outs = back ? g.in_channels : g.out_channels;
  const int across = columns.tiles(), tile_count = rows.tiles() * across;
  const int width = g.samples < 32 ? 16 : 32;  // samples of a task
  const int stretches = (g.samples + width - 1) / width;
  // Where tasks are few, each computes a part of the outputs only, and all of them spread the same inputs.
  int parts = 1;
  while (tile_count * stretches * parts < 8 && outs / parts > 2 * block_width) parts *= 2;
  const std::ptrdiff_t in_pixel = std::ptrdiff_t{ins} * g.samples,
                       out_pixel = std::ptrdiff_t{outs} * g.samples;
  const std::ptrdiff_t point = std::ptrdiff_t{g.in_channels} * block_width;  // of the weights
  workers.run(tile_count * stretches * parts, [&](int task, const Workspace& workspace) {
    const int row = task % tile_count / across, column = task % across;
    const Slice blocks = slice_of(outs / block_width, task / tile_count % parts, parts);
    const int sample = task / (tile_count * parts) * width, samples = std::min(width, g.samples - sample);
    T* const inputs = workspace.as<T>();                            // [point][in][sample]
    T* const sums = inputs + std::ptrdiff_t{points} * ins * width;  // [point][output][sample]
    on_registers(Spread<InputMatrix, T>{
        tile,
        {x + (std::ptrdiff_t{rows.first(row)} * columns.in + columns.first(column)) * in_pixel + sample,
         columns.in * in_pixel, in_pixel, rows.present(row), columns.present(column)},
        {ins, samples, g.samples},
        inputs,
        std::ptrdiff_t{ins} * width,
        width});
    for (int first = blocks.begin * block_width; first < blocks.end * block_width; first += block_width) {
      for (int i = 0; i < points; ++i) {
        Sum<T> sum(
            {.rows = block_width,
             .columns = width,
             .depth = back ? block_width : ins,
             .a = spread_w + i * point + (back ? first * block_width : first / block_width * points * point),
             .a_row = back ? block_width : 1,
             .a_step = back ? 1 : block_width,
             .b = inputs + std::ptrdiff_t{i} * ins * width,
             .b_step = width,
             .c = sums + std::ptrdiff_t{i} * block_width * width,
             .c_row = width});
        if (back)
          for (int block = 0; block < ins / block_width; ++block)
            sum.add({block * points * point, std::ptrdiff_t{block} * block_width * width});
        else
          sum.add({0, 0});
        sum.finish();
      }
      const std::ptrdiff_t at =
          (std::ptrdiff_t{row} * rows.step * columns.out + column * columns.step) * out_pixel +
          std::ptrdiff_t{first} * g.samples + sample;
      on_registers(Gather<OutputMatrix, T>{
          .tile = tile,
          .from = sums,
          .point = std::ptrdiff_t{block_width} * width,
          .padded = width,
          .runs = {block_width, samples, g.samples},
          .to = {y + at, columns.out * out_pixel, out_pixel, rows.wanted(row), columns.wanted(column)},
          .bias = ending.bias ? ending.bias + first : nullptr,
          .add = ending.add ? ending.add + at : nullptr,
          .rectify = ending.rectify});
    }
  });
}

/// Whether few samples (less than 16, all of the batch) make products of enough rows.
constexpr bool few_pay(const ConvGeometry& g) {
  return Sides(g, false).tiles() * g.samples >= 6;
}
/// Values of all tiles of the input at the points, for each sample.
constexpr std::size_t input_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(tile_of(g).points()) * static_cast<std::size_t>(Sides(g, false).tiles()) *
         static_cast<std::size_t>(g.in_channels);
}

/// convolve for few samples: outputs side by side instead of samples. `spread_x` is scratch of input_values.
template <class T>
[[gnu::noinline]] void convolve_few(const ConvGeometry& g, const T* x, const T* spread_w,
                                    const Ending<T>& ending, T* y, T* spread_x, Workers& workers) {
  const Sides sides(g, false);
  const Side &rows = sides.rows, &columns = sides.columns;
  const Tile tile = tile_of(g);
  const int points = tile.points();
  const int across = columns.tiles(), tile_count = rows.tiles() * across;
  const std::ptrdiff_t input_point = tile_count * g.in_pixel();  // [point][tile][in][sample]
  workers.run(tile_count, [&](int index) {
    const int row = index / across, column = index % across, values = static_cast<int>(g.in_pixel());
    on_registers(
        Spread<InputMatrix, T>{tile,
                               {x + g.in(rows.first(row), columns.first(column)), columns.in * g.in_pixel(),
                                g.in_pixel(), rows.present(row), columns.present(column)},
                               {1, values, 0},
                               spread_x + index * g.in_pixel(),
                               input_point,
                               values});
  });
  constexpr int most = 32;  // tiles of a task: their sums must fit into its workspace
  const int parts = (tile_count + most - 1) / most, tasks = g.samples * parts;
  workers.run(g.out_channels / block_width * tasks, [&](int task, const Workspace& workspace) {
    const int block = task / tasks, first = block * block_width, sample = task % tasks / parts;
    const Slice some = slice_of(tile_count, task % parts, parts);
    const int count = some.end - some.begin;
    const std::ptrdiff_t sum_point = std::ptrdiff_t{count} * block_width;
    T* const sums = workspace.as<T>();  // [point][tile][output]
    for (int i = 0; i < points; ++i) {
      Sum<T> sum({.rows = count,
                  .columns = block_width,
                  .depth = g.in_channels,
                  .a = spread_x + i * input_point + some.begin * g.in_pixel() + sample,
                  .a_row = g.in_pixel(),
                  .a_step = g.samples,
                  .b = spread_w + (std::ptrdiff_t{block} * points + i) * g.in_channels * block_width,
                  .b_step = block_width,
                  .c = sums + i * sum_point,
                  .c_row = block_width,
                  .then = spread_w + (std::ptrdiff_t{block} * points + i + 1) * g.in_channels * block_width});
      sum.add({0, 0});
      sum.finish();
    }
    for (int i = 0; i < count; ++i) {
      const int row = (some.begin + i) / across, column = (some.begin + i) % across;
      std::array<T, std::size_t{16} * block_width> outputs;
      const Slice wanted_rows = rows.wanted(row), wanted_columns = columns.wanted(column);
      on_registers(Gather<OutputMatrix, T>{
          .tile = tile,
          .from = sums + std::ptrdiff_t{i} * block_width,
          .point = sum_point,
          .padded = block_width,
          .runs = {1, block_width, 0},
          .to = {outputs.data(), columns.step * block_width, block_width, wanted_rows, wanted_columns}});
      for (int r = 0; r < wanted_rows.end; ++r)
        for (int c = 0; c < wanted_columns.end; ++c)
          ending.store(outputs.data() + (r * columns.step + c) * block_width, block_width, first, y,
                       g.out(row * rows.step + r, column * columns.step + c) +
                           std::ptrdiff_t{first} * g.samples + sample,
                       g.samples);
    }
  });
}

}  // namespace captcha::winograd
