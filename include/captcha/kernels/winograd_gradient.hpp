// The gradient by the weights of the convolutions in winograd.hpp: the same points, the other way round.
#pragma once

#include <captcha/kernels/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace captcha::winograd {

/// Values of a row of tiles of the output's gradient at the points, for each sample.
constexpr std::size_t gradient_values(const ConvGeometry& g) {
  return static_cast<std::size_t>(tile_of(g).points()) *
         static_cast<std::size_t>(Sides(g, false).columns.tiles()) * static_cast<std::size_t>(g.out_channels);
}

/// dw += the gradient by the weights. `turned` is the output's gradient with the outputs of a block side by
/// side; `spread_dy` and `spread_dw` are scratch of gradient_values for each sample, and of weight_values.
template <class T>
[[gnu::noinline]] void backward_weight(const ConvGeometry& g, const T* x, const T* turned, T* dw,
                                       T* spread_dy, T* spread_dw, Workers& workers) {
  constexpr int most_blocks = 2, width = 64;  // of a task
  const Sides sides(g, false);
  const Side &rows = sides.rows, &columns = sides.columns;
  const Tile tile = tile_of(g);
  const int points = tile.points();
  const int across = columns.tiles(), blocks = g.out_channels / block_width;
  const std::ptrdiff_t tile_values = points * g.out_pixel(),
                       block_values = std::ptrdiff_t{g.samples} * block_width;
  const std::ptrdiff_t point = std::ptrdiff_t{g.in_channels} * block_width;  // of the weights
  const int parts = (blocks + most_blocks - 1) / most_blocks;
  const int some_ins = g.in_channels / 16 * parts < 8 ? 8 : 16;  // smaller tasks where there are few
  for (int row = 0; row < rows.tiles(); ++row) {
    workers.run(across * blocks, [&](int task) {
      const int column = task / blocks;
      const std::ptrdiff_t block = task % blocks * block_values;
      on_registers(Spread<OutputMatrix, T>{
          tile,
          {turned + g.out(row * rows.step, column * columns.step) + block, columns.out * g.out_pixel(),
           g.out_pixel(), rows.wanted(row), columns.wanted(column)},
          {1, static_cast<int>(block_values), 0},
          spread_dy + column * tile_values + block,
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
              tile,
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
                          .b = spread_dy + column * tile_values + i * g.out_pixel() + block * block_values +
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
    on_registers(Gather<KernelMatrix, T>{.tile = tile,
                                         .from = spread_dw + std::ptrdiff_t{block} * points * values,
                                         .point = values,
                                         .padded = values,
                                         .runs = {1, values, 0},
                                         .to = taps_of(g, dw + std::ptrdiff_t{block} * 9 * values, false),
                                         .add = dw + std::ptrdiff_t{block} * 9 * values});
  });
}

}  // namespace captcha::winograd
