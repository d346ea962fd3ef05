// 3 x 3 convolutions of stride 1 in fewer multiplications: see winograd_points.hpp. At each of the 36 points
// of a tile the sum over channels is a matrix product.
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

/// Tiles of an axis with so many outputs.
constexpr int tiles(int length) {
  return (length + step - 1) / step;
}

/// An axis of a convolution, or with `back` of its gradient by the input, which is a convolution too.
struct Side {
  int in;
  int out;
  int padding;

  constexpr Side(const Axis& axis, bool back)
      : in(back ? axis.out : axis.in),
        out(back ? axis.in : axis.out),
        padding(back ? axis.kernel - 1 - axis.padding : axis.padding) {}

  /// The first input of a tile: may lie in the padding.
  constexpr int first(int tile) const { return tile * step - padding; }
  /// The inputs of a tile that exist, counted from its first one.
  constexpr Slice present(int tile) const {
    return {std::max(0, -first(tile)), std::min(size, in - first(tile))};
  }
  /// The outputs of a tile that exist.
  constexpr Slice wanted(int tile) const { return {0, std::min(step, out - tile * step)}; }
};

/// Samples of a task: enough to fill registers, not so many that tasks are few.
constexpr int samples_at_once(const ConvGeometry& g) {
  return tiles(g.rows.out) * tiles(g.columns.out) * g.samples >= 16 * 32 ? 32 : 16;
}

/// Whether this way is open, and shorter: with spreading and gathering a tile costs about as much as 50
/// multiplications, and the direct sum one for each tap of each output.
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
         sizeof(T) * points * 32 * (most + block_width) <= Workspace::bytes &&
         50 * tiles(g.rows.out) * tiles(g.columns.out) < taps(g.rows) * taps(g.columns);
}

/// Values of all weights at the points, which lie as [block of outputs][point][in][output].
constexpr std::size_t weight_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(points) * static_cast<std::size_t>(g.in_channels) *
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
  workers.run(g.out_channels / block_width, [&](int block) {
    on_registers(Spread<KernelMatrix, T>{taps_of(g, w + std::ptrdiff_t{block} * 9 * values, back),
                                         {1, values, 0},
                                         to + std::ptrdiff_t{block} * points * values,
                                         values,
                                         values});
  });
}

/// y = the convolution of x with weights at the points, and `ending`. With `back` x is the gradient by the
/// output and y that by the input.
template <class T>
[[gnu::noinline]] void convolve(const ConvGeometry& g, bool back, const T* x, const T* spread_w,
                                const Ending<T>& ending, T* y, Workers& workers) {
  const Side rows(g.rows, back), columns(g.columns, back);
  const int ins = back ? g.out_channels : g.in_channels, outs = back ? g.in_channels : g.out_channels;
  const int across = tiles(columns.out), tile_count = tiles(rows.out) * across;
  const int width = samples_at_once(g);
  const std::ptrdiff_t in_pixel = std::ptrdiff_t{ins} * g.samples,
                       out_pixel = std::ptrdiff_t{outs} * g.samples;
  const std::ptrdiff_t point = std::ptrdiff_t{g.in_channels} * block_width;  // of the weights
  workers.run(tile_count * ((g.samples + width - 1) / width), [&](int task, const Workspace& workspace) {
    const int row = task % tile_count / across, column = task % across;
    const int sample = task / tile_count * width, samples = std::min(width, g.samples - sample);
    T* const inputs = workspace.as<T>();                            // [point][in][sample]
    T* const sums = inputs + std::ptrdiff_t{points} * ins * width;  // [point][output][sample]
    on_registers(Spread<InputMatrix, T>{
        {x + (std::ptrdiff_t{rows.first(row)} * columns.in + columns.first(column)) * in_pixel + sample,
         columns.in * in_pixel, in_pixel, rows.present(row), columns.present(column)},
        {ins, samples, g.samples},
        inputs,
        std::ptrdiff_t{ins} * width,
        width});
    for (int first = 0; first < outs; first += block_width) {
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
      const std::ptrdiff_t at = (std::ptrdiff_t{row} * step * columns.out + column * step) * out_pixel +
                                std::ptrdiff_t{first} * g.samples + sample;
      on_registers(Gather<OutputMatrix, T>{
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
  return tiles(g.rows.out) * tiles(g.columns.out) * g.samples >= 6;
}
/// Values of all tiles of the input at the points, for each sample.
constexpr std::size_t input_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(points) * static_cast<std::size_t>(tiles(g.rows.out)) *
         static_cast<std::size_t>(tiles(g.columns.out)) * static_cast<std::size_t>(g.in_channels);
}

/// convolve for few samples: outputs side by side instead of samples. `spread_x` is scratch of input_values.
template <class T>
[[gnu::noinline]] void convolve_few(const ConvGeometry& g, const T* x, const T* spread_w,
                                    const Ending<T>& ending, T* y, T* spread_x, Workers& workers) {
  const Side rows(g.rows, false), columns(g.columns, false);
  const int across = tiles(columns.out), tile_count = tiles(rows.out) * across;
  const std::ptrdiff_t input_point = tile_count * g.in_pixel();  // [point][tile][in][sample]
  workers.run(tile_count, [&](int tile) {
    const int row = tile / across, column = tile % across, values = static_cast<int>(g.in_pixel());
    on_registers(
        Spread<InputMatrix, T>{{x + g.in(rows.first(row), columns.first(column)), columns.in * g.in_pixel(),
                                g.in_pixel(), rows.present(row), columns.present(column)},
                               {1, values, 0},
                               spread_x + tile * g.in_pixel(),
                               input_point,
                               values});
  });
  workers.run(g.out_channels / block_width, [&](int block, const Workspace& workspace) {
    const int count = tile_count * g.samples, first = block * block_width;
    const std::ptrdiff_t sum_point = std::ptrdiff_t{count} * block_width;  // [point][sample][tile][output]
    T* const sums = workspace.as<T>();
    for (int sample = 0; sample < g.samples; ++sample)
      for (int i = 0; i < points; ++i) {
        Sum<T> sum({.rows = tile_count,
                    .columns = block_width,
                    .depth = g.in_channels,
                    .a = spread_x + i * input_point + sample,
                    .a_row = g.in_pixel(),
                    .a_step = g.samples,
                    .b = spread_w + (std::ptrdiff_t{block} * points + i) * g.in_channels * block_width,
                    .b_step = block_width,
                    .c = sums + i * sum_point + std::ptrdiff_t{sample} * tile_count * block_width,
                    .c_row = block_width});
        sum.add({0, 0});
        sum.finish();
      }
    for (int i = 0; i < count; ++i) {
      const int sample = i / tile_count, row = i % tile_count / across, column = i % across;
      std::array<T, std::size_t{step} * step * block_width> outputs;
      const Slice wanted_rows = rows.wanted(row), wanted_columns = columns.wanted(column);
      on_registers(Gather<OutputMatrix, T>{
          .from = sums + std::ptrdiff_t{i} * block_width,
          .point = sum_point,
          .padded = block_width,
          .runs = {1, block_width, 0},
          .to = {outputs.data(), step * block_width, block_width, wanted_rows, wanted_columns}});
      for (int r = 0; r < wanted_rows.end; ++r)
        for (int c = 0; c < wanted_columns.end; ++c)
          ending.store(outputs.data() + (r * step + c) * block_width, block_width, first, y,
                       g.out(row * step + r, column * step + c) + std::ptrdiff_t{first} * g.samples + sample,
                       g.samples);
    }
  });
}

/// Values of a row of tiles of the output's gradient at the points, for each sample.
constexpr std::size_t gradient_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(points) * static_cast<std::size_t>(tiles(g.columns.out)) *
         static_cast<std::size_t>(g.out_channels);
}

/// dw += the gradient by the weights. `turned` is the output's gradient with the outputs of a block side by
/// side; `spread_dy` and `spread_dw` are scratch of gradient_values for each sample, and of weight_values.
template <class T>
[[gnu::noinline]] void backward_weight(const ConvGeometry& g, const T* x, const T* turned, T* dw,
                                       T* spread_dy, T* spread_dw, Workers& workers) {
  constexpr int some_ins = 16, most_blocks = 2, width = 64;  // of a task
  const Side rows(g.rows, false), columns(g.columns, false);
  const int across = tiles(columns.out), blocks = g.out_channels / block_width;
  const std::ptrdiff_t tile = points * g.out_pixel(), block_values = std::ptrdiff_t{g.samples} * block_width;
  const std::ptrdiff_t point = std::ptrdiff_t{g.in_channels} * block_width;  // of the weights
  const int parts = (blocks + most_blocks - 1) / most_blocks;
  for (int row = 0; row < tiles(rows.out); ++row) {
    workers.run(across * blocks, [&](int task) {
      const int column = task / blocks;
      const std::ptrdiff_t block = task % blocks * block_values;
      on_registers(Spread<OutputMatrix, T>{
          {turned + g.out(row * step, column * step) + block, columns.out * g.out_pixel(), g.out_pixel(),
           rows.wanted(row), columns.wanted(column)},
          {1, static_cast<int>(block_values), 0},
          spread_dy + column * tile + block,
          g.out_pixel(),
          static_cast<int>(block_values)});
    });
    workers.run(g.in_channels / some_ins * parts, [&](int task, const Workspace& workspace) {
      const int first = task / parts * some_ins;
      const Slice some = slice_of(blocks, task % parts, parts);
      T* const inputs = workspace.as<T>();  // [point][in][sample]
      for (int column = 0; column < across; ++column)
        for (int sample = 0; sample < g.samples; sample += width) {
          const int samples = std::min(width, g.samples - sample);
          on_registers(Spread<InputMatrix, T>{
              {x + g.in(rows.first(row), columns.first(column)) + std::ptrdiff_t{first} * g.samples + sample,
               columns.in * g.in_pixel(), g.in_pixel(), rows.present(row), columns.present(column)},
              {some_ins, samples, g.samples},
              inputs,
              std::ptrdiff_t{some_ins} * samples,
              samples});
          for (int block = some.begin; block < some.end; ++block)
            for (int i = 0; i < points; ++i) {
              Sum<T> sum({.rows = some_ins,
                          .columns = block_width,
                          .depth = samples,
                          .a = inputs + std::ptrdiff_t{i} * some_ins * samples,
                          .a_row = samples,
                          .a_step = 1,
                          .b = spread_dy + column * tile + i * g.out_pixel() + block * block_values +
                               std::ptrdiff_t{sample} * block_width,
                          .b_step = block_width,
                          .c = spread_dw + (std::ptrdiff_t{block} * points + i) * point + first * block_width,
                          .c_row = block_width,
                          .start = row == 0 && column == 0 && sample == 0 ? Start::zero : Start::memory});
              sum.add({0, 0});
              sum.finish();
            }
        }
    });
  }
  const int values = g.in_channels * block_width;
  workers.run(blocks, [&](int block) {
    on_registers(Gather<KernelMatrix, T>{.from = spread_dw + std::ptrdiff_t{block} * points * values,
                                         .point = values,
                                         .padded = values,
                                         .runs = {1, values, 0},
                                         .to = taps_of(g, dw + std::ptrdiff_t{block} * 9 * values, false),
                                         .add = dw + std::ptrdiff_t{block} * 9 * values});
  });
}

}  // namespace captcha::winograd
