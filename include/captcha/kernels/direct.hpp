// Convolution as it is written: matrix products on [row][column][channel][sample] memory, without im2col.
//
// What one output pixel reads of one kernel row is a single stretch of memory, (kernel columns x channels)
// by samples, so each output pixel is a product of the weights with a few such stretches. Rows and columns
// that are only padding are never multiplied.
#pragma once

#include <captcha/kernels/conv_geometry.hpp>
#include <captcha/kernels/few_samples.hpp>
#include <captcha/kernels/tile.hpp>
#include <captcha/kernels/transpose.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace captcha::direct {

using convolution::Block;
using convolution::block_of;
using convolution::block_width;
using convolution::blocks_of;
using convolution::together;

/// One output row of one block, for the first `samples` of the batch: samples side by side.
template <class T>
void forward_row(const ConvGeometry& g, const Block& block, int group, int row, int samples, const T* x,
                 const T* w, const Ending<T>& ending, T* y) {
  const Slice row_taps = g.rows.taps(row);
  for (int column = 0; column < g.columns.out; ++column) {
    const Slice column_taps = g.columns.taps(column);
    const int step = together(g, column_taps);
    const std::ptrdiff_t out = g.out(row, column) + std::ptrdiff_t{block.first} * g.samples;
    Sum<T> sum({.rows = block.width,
                .columns = samples,
                .depth = step * g.group_in(),
                .a = w,
                .a_row = 1,
                .a_step = block.width,
                .b = x + std::ptrdiff_t{group} * g.group_in() * g.samples,
                .b_step = g.samples,
                .c = y + out,
                .c_row = g.samples,
                .start = ending.bias ? Start::bias : Start::zero,
                .bias = ending.bias ? ending.bias + block.first : nullptr,
                .add = ending.add ? ending.add + out : nullptr,
                .rectify = ending.rectify});
    for (int r = row_taps.begin; r < row_taps.end; ++r)
      for (int c = column_taps.begin; c < column_taps.end; c += step)
        sum.add({block.tap(g, r, c), g.in(g.rows.input(row, r), g.columns.input(column, c))});
    sum.finish();
  }
}

/// y = w * x and `ending`. x (N, C, H, W), y (N, O, OH, OW), w (O, C / groups, KH, KW); all in the memory
/// orders of conv_geometry.hpp.
template <class T, class W>
[[gnu::noinline]] void forward(const ConvGeometry& g, const T* x, const W* w, const Ending<T>& ending, T* y,
                               T* scratch, Workers& workers) {
  int whole = 0;
  // Samples lie side by side only where the weights need not be widened: there each one is used alone.
  if constexpr (std::is_same_v<T, W>) {
    const int registerful = register_bytes() / static_cast<int>(sizeof(T));
    whole = g.samples / registerful * registerful;
    const int blocks = blocks_of(g), chunks = (blocks + 1) / 2;
    if (whole > 0)
      workers.run(g.rows.out * g.groups * chunks, [&](int task) {
        const int row = task / (g.groups * chunks);
        const int group = task / chunks % g.groups;
        const Slice some = slice_of(blocks, task % chunks, chunks);
        for (int index = some.begin; index < some.end; ++index)
          forward_row(g, block_of(g, group, index), group, row, whole, x, w, ending, y);
      });
  }
  if (whole < g.samples) forward_few(g, g.samples - whole, x, w, ending, y, scratch, workers);
}

/// dx = the transposed convolution of dy: overwritten. Shapes as in forward.
template <class T>
[[gnu::noinline]] void backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx,
                                      Workers& workers) {
  const int chunks = (g.group_in() + 63) / 64;
  const int blocks = blocks_of(g);
  const int full = g.group_out() / block_width;
  workers.run(g.rows.in * g.groups * chunks, [&](int task) {
    const int row = task / (g.groups * chunks);
    const int group = task / chunks % g.groups;
    const Slice ins = slice_of(g.group_in(), task % chunks, chunks);
    for (int column = 0; column < g.columns.in; ++column) {
      // The last block may be narrower than the others: it is a product of its own.
      for (int begin = 0, end = 0; begin < blocks; begin = end) {
        end = begin < full ? full : blocks;
        const int width = block_of(g, group, begin).width;
        Sum<T> sum(
            {.rows = ins.end - ins.begin,
             .columns = g.samples,
             .depth = width,
             .a = w + std::ptrdiff_t{ins.begin} * width,
             .a_row = width,
             .a_step = 1,
             .b = dy,
             .b_step = g.samples,
             .c = dx + g.in(row, column) + (std::ptrdiff_t{group} * g.group_in() + ins.begin) * g.samples,
             .c_row = g.samples,
             .start = begin == 0 ? Start::zero : Start::memory});
        g.rows.for_each_output(row, [&](int r, int out_row) {
          g.columns.for_each_output(column, [&](int c, int out_column) {
            for (int index = begin; index < end; ++index) {
              const Block block = block_of(g, group, index);
              sum.add(
                  {block.tap(g, r, c), g.out(out_row, out_column) + std::ptrdiff_t{block.first} * g.samples});
            }
          });
        });
        sum.finish();
      }
    }
  });
}

/// The output's gradient with the outputs of a block side by side instead of the samples:
/// [row][column][block] [sample][output].
template <class T>
[[gnu::noinline]] void turn(const ConvGeometry& g, const T* dy, T* turned, Workers& workers) {
  const int blocks = blocks_of(g);
  workers.run(g.rows.out, [&](int row) {
    for (int column = 0; column < g.columns.out; ++column)
      for (int group = 0; group < g.groups; ++group)
        for (int index = 0; index < blocks; ++index) {
          const Block block = block_of(g, group, index);
          const std::ptrdiff_t at = g.out(row, column) + std::ptrdiff_t{block.first} * g.samples;
          on_registers(Transpose<T>{block.width, g.samples, dy + at, g.samples, turned + at, block.width});
        }
  });
}

/// dw += the gradient by the weights; each value sums the output pixels in their order. `turned` is the
/// output's gradient, turned.
template <class T>
[[gnu::noinline]] void backward_weight(const ConvGeometry& g, const T* x, const T* turned, T* dw,
                                       Workers& workers) {
  const int blocks = blocks_of(g);
  workers.run(g.taps() * g.groups * blocks, [&](int task) {
    const int tap = task / (g.groups * blocks), r = tap / g.columns.kernel, c = tap % g.columns.kernel;
    const int group = task / blocks % g.groups;
    const Block block = block_of(g, group, task % blocks);
    Sum<T> sum({.rows = g.group_in(),
                .columns = block.width,
                .depth = g.samples,
                .a = x + std::ptrdiff_t{group} * g.group_in() * g.samples,
                .a_row = g.samples,
                .a_step = 1,
                .b = turned + std::ptrdiff_t{block.first} * g.samples,
                .b_step = block.width,
                .c = dw + block.tap(g, r, c),
                .c_row = block.width,
                .start = Start::memory});
    const Slice rows = g.rows.outputs(r), columns = g.columns.outputs(c);
    for (int row = rows.begin; row < rows.end; ++row)
      for (int column = columns.begin; column < columns.end; ++column)
        sum.add({g.in(g.rows.input(row, r), g.columns.input(column, c)), g.out(row, column)});
    sum.finish();
  });
}

/// The same for few input channels, which alone would make thin products: the inputs under a window, of
/// several taps and with zeros for padding, are first put one behind the other.
template <class T>
[[gnu::noinline]] void backward_weight_by_windows(const ConvGeometry& g, const T* x, const T* turned, T* dw,
                                                  Workers& workers) {
  constexpr int most_rows = 24, most_samples = 512;
  const int blocks = blocks_of(g), values = g.taps() * g.group_in();
  const int parts = (values + most_rows - 1) / most_rows;
  workers.run(g.groups * blocks * parts, [&](int task, const Workspace& workspace) {
    const int group = task / parts / blocks;
    const Block block = block_of(g, group, task / parts % blocks);
    const Slice some = slice_of(values, task % parts, parts);
    T* const window = workspace.as<T>();
    for (int pixel = 0; pixel < g.rows.out * g.columns.out; ++pixel)
      for (int sample = 0; sample < g.samples; sample += most_samples) {
        const int samples = std::min(most_samples, g.samples - sample);
        const int row = pixel / g.columns.out, column = pixel % g.columns.out;
        T* to = window;
        for (int value = some.begin; value < some.end; ++value, to += samples) {
          const int tap = value / g.group_in();
          const int in_row = g.rows.input(row, tap / g.columns.kernel);
          const int in_column = g.columns.input(column, tap % g.columns.kernel);
          const int channel = group * g.group_in() + value % g.group_in();
          if (in_row < 0 || in_row >= g.rows.in || in_column < 0 || in_column >= g.columns.in)
            std::fill_n(to, samples, T{0});
          else
            std::copy_n(x + g.in(in_row, in_column) + std::ptrdiff_t{channel} * g.samples + sample, samples,
                        to);
        }
        Sum<T> sum({.rows = some.end - some.begin,
                    .columns = block.width,
                    .depth = samples,
                    .a = window,
                    .a_row = samples,
                    .a_step = 1,
                    .b = turned + g.out(row, column) + std::ptrdiff_t{block.first} * g.samples +
                         std::ptrdiff_t{sample} * block.width,
                    .b_step = block.width,
                    .c = dw + block.weights + std::ptrdiff_t{some.begin} * block.width,
                    .c_row = block.width,
                    .start = Start::memory});
        sum.add({0, 0});
        sum.finish();
      }
  });
}

}  // namespace captcha::direct
