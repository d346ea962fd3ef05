// Convolution as matrix products on [row][channel][column][sample] memory, without im2col.
//
// For one output row, the input rows it reads are one contiguous (kernel rows x channels) by (columns x
// samples) matrix, and each kernel column is that matrix shifted by whole columns: one accumulating product
// per kernel column, K = valid kernel rows x channels, N = valid columns x samples. Rows and columns that are
// only padding are never multiplied. Weights lie as [kernel column][out][kernel row][in].
#pragma once

#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/gemm.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/workers.hpp>

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
  /// Values from one row of an activation to the next.
  constexpr std::size_t in_row() const { return size(in_channels) * in_channel(); }
  constexpr std::size_t out_row() const { return size(out_channels) * out_channel(); }
  /// Values from one channel of a row to the next.
  constexpr std::size_t in_channel() const { return size(columns.in) * size(samples); }
  constexpr std::size_t out_channel() const { return size(columns.out) * size(samples); }
  /// Where the weights of (kernel column, first of an out block, kernel row) start.
  constexpr std::size_t weight(int column, int out, int row) const {
    return ((size(column) * size(out_channels) + size(out)) * size(rows.kernel) + size(row)) *
           size(group_in());
  }
  constexpr int weight_stride() const { return rows.kernel * group_in(); }

  static constexpr std::size_t size(int value) { return static_cast<std::size_t>(value); }
};

namespace convolution {

/// Channels of one task: blocks of 64 within a group, so that small maps still make enough tasks.
constexpr int block = 64;
constexpr int blocks_of(int channels) {
  return (channels + block - 1) / block;
}

/// Calls f(out_column, in_column, columns) for the runs of output columns that kernel column `tap` reaches,
/// as long as possible: all of them with stride 1, one at a time otherwise.
template <class F>
void for_each_run(const Axis& columns, int tap, F&& f) {
  const Slice valid = columns.outputs(tap);
  if (valid.begin == valid.end) return;
  if (columns.stride == 1) {
    f(valid.begin, columns.input(valid.begin, tap), valid.end - valid.begin);
  } else {
    for (int out = valid.begin; out < valid.end; ++out) f(out, columns.input(out, tap), 1);
  }
}

/// Calls f(first, last) for the runs of kernel rows in `taps` whose input rows lie together in memory: all of
/// them without groups and dilation, one at a time otherwise.
template <class F>
void for_each_row_run(const ConvGeometry& g, Slice taps, F&& f) {
  if (g.groups == 1 && g.rows.dilation == 1) {
    if (taps.begin < taps.end) f(taps.begin, taps.end);
  } else {
    for (int tap = taps.begin; tap < taps.end; ++tap) f(tap, tap + 1);
  }
}

}  // namespace convolution

/// y = w * x + bias. x (N, C, H, W), y (N, O, OH, OW), w (O, C / groups, KH, KW), bias (O) or null; all in
/// the memory orders above.
template <class T>
[[gnu::noinline]] void conv_forward(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y,
                                    Workers& workers) {
  const int blocks = convolution::blocks_of(g.group_out());
  workers.run(g.rows.out * g.groups * blocks, [&](int task) {
    const int row = task / (g.groups * blocks);
    const int group = task / blocks % g.groups;
    const Slice outs = slice_of(g.group_out(), task % blocks, blocks);
    const int out = group * g.group_out() + outs.begin;
    T* y_block = y + g.out_row() * g.size(row) + g.out_channel() * g.size(out);
    for (int o = 0; o < outs.end - outs.begin; ++o)
      std::fill_n(y_block + g.out_channel() * g.size(o), g.out_channel(), bias ? bias[out + o] : T{0});

    for (int column = 0; column < g.columns.kernel; ++column)
      convolution::for_each_row_run(g, g.rows.taps(row), [&](int first, int last) {
        const T* x_rows =
            x + g.in_row() * g.size(g.rows.input(row, first)) + g.in_channel() * g.size(group * g.group_in());
        convolution::for_each_run(g.columns, column, [&](int out_column, int in_column, int run) {
          gemm(outs.end - outs.begin, run * g.samples, (last - first) * g.group_in(),
               Matrix<T>{w + g.weight(column, out, first), g.weight_stride()},
               Matrix<T>{x_rows + g.size(in_column) * g.size(g.samples), g.columns.in * g.samples}, T{1},
               y_block + g.size(out_column) * g.size(g.samples), g.columns.out * g.samples);
        });
      });
  });
}

/// dx = the transposed convolution of dy: overwritten. Shapes as in conv_forward.
template <class T>
[[gnu::noinline]] void conv_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx,
                                           Workers& workers) {
  const int blocks = convolution::blocks_of(g.group_in());
  workers.run(g.rows.in * g.groups * blocks, [&](int task) {
    const int row = task / (g.groups * blocks);
    const int group = task / blocks % g.groups;
    const Slice ins = slice_of(g.group_in(), task % blocks, blocks);
    T* dx_block = dx + g.in_row() * g.size(row) + g.in_channel() * g.size(group * g.group_in() + ins.begin);
    std::fill_n(dx_block, g.in_channel() * g.size(ins.end - ins.begin), T{0});

    for (int tap = 0; tap < g.rows.kernel; ++tap) {
      const int position = row + g.rows.padding - tap * g.rows.dilation;  // = output row * stride
      if (position < 0 || position % g.rows.stride != 0 || position / g.rows.stride >= g.rows.out) continue;
      const T* dy_rows = dy + g.out_row() * g.size(position / g.rows.stride) +
                         g.out_channel() * g.size(group * g.group_out());
      for (int column = 0; column < g.columns.kernel; ++column)
        convolution::for_each_run(g.columns, column, [&](int out_column, int in_column, int run) {
          gemm(ins.end - ins.begin, run * g.samples, g.group_out(),
               Matrix<T>{w + g.weight(column, group * g.group_out(), tap) + ins.begin, g.weight_stride(),
                         Stored::transposed},
               Matrix<T>{dy_rows + g.size(out_column) * g.size(g.samples), g.columns.out * g.samples}, T{1},
               dx_block + g.size(in_column) * g.size(g.samples), g.columns.in * g.samples);
        });
    }
  });
}

/// dw += the gradient by the weights; each block of dw sums the output rows in their order.
template <class T>
[[gnu::noinline]] void conv_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw,
                                            Workers& workers) {
  const int blocks = convolution::blocks_of(g.group_out());
  workers.run(g.columns.kernel * g.groups * blocks, [&](int task) {
    const int column = task / (g.groups * blocks);
    const int group = task / blocks % g.groups;
    const Slice outs = slice_of(g.group_out(), task % blocks, blocks);
    const int out = group * g.group_out() + outs.begin;
    for (int row = 0; row < g.rows.out; ++row) {
      const T* dy_block = dy + g.out_row() * g.size(row) + g.out_channel() * g.size(out);
      convolution::for_each_row_run(g, g.rows.taps(row), [&](int first, int last) {
        const T* x_rows =
            x + g.in_row() * g.size(g.rows.input(row, first)) + g.in_channel() * g.size(group * g.group_in());
        convolution::for_each_run(g.columns, column, [&](int out_column, int in_column, int run) {
          gemm(outs.end - outs.begin, (last - first) * g.group_in(), run * g.samples,
               Matrix<T>{dy_block + g.size(out_column) * g.size(g.samples), g.columns.out * g.samples},
               Matrix<T>{x_rows + g.size(in_column) * g.size(g.samples), g.columns.in * g.samples,
                         Stored::transposed},
               T{1}, dw + g.weight(column, out, first), g.weight_stride());
        });
      });
    }
  });
}

/// dbias[o] += the sum of dy over every pixel and sample of channel o.
template <class T>
[[gnu::noinline]] void conv_backward_bias(const ConvGeometry& g, const T* dy, T* dbias, Workers& workers) {
  workers.run(g.out_channels, [&](int channel) {
    double sum = 0;
    for (int row = 0; row < g.rows.out; ++row) {
      const T* values = dy + g.out_row() * g.size(row) + g.out_channel() * g.size(channel);
      sum += sum_terms<T>(g.out_channel(), [values](std::size_t i) { return values[i]; });
    }
    dbias[channel] += static_cast<T>(sum);
  });
}

}  // namespace captcha
