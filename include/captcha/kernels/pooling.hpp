// Max and average pooling over [row][column][channel][sample] memory.
//
// All channels and samples of a pixel are one run of values and are treated alike. A task is a stretch of
// that run, over the whole image.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/registers.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace captcha {

/// Geometry of a pooling window.
struct PoolGeometry {
  std::size_t run;  ///< C * N values of one pixel
  Axis rows;
  Axis columns;

  /// Start of an input (output) pixel.
  constexpr std::size_t in(int row, int column) const { return at(row, column, columns.in); }
  constexpr std::size_t out(int row, int column) const { return at(row, column, columns.out); }

 private:
  constexpr std::size_t at(int row, int column, int width) const {
    return (static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
            static_cast<std::size_t>(column)) *
           run;
  }
};

/// Calls f(begin, end) for stretches of the run, each a task.
template <class F>
void for_each_part(const PoolGeometry& g, Workers& workers, F&& f) {
  constexpr std::size_t part = 256;
  workers.run(static_cast<int>((g.run + part - 1) / part), [&](int task) {
    const std::size_t begin = static_cast<std::size_t>(task) * part;
    f(begin, std::min(begin + part, g.run));
  });
}

/// For every output pixel calls start(output pixel, row, column), then step(input pixel, output pixel) for
/// every input pixel that its window covers, row by row and without padding, then finish(output pixel).
template <class First, class Step, class Last>
void for_each_window(const PoolGeometry& g, First&& start, Step&& step, Last&& finish) {
  for (int row = 0; row < g.rows.out; ++row)
    for (int column = 0; column < g.columns.out; ++column) {
      const Slice row_taps = g.rows.taps(row), column_taps = g.columns.taps(column);
      const std::size_t out = g.out(row, column);
      start(out, row, column);
      for (int r = row_taps.begin; r < row_taps.end; ++r)
        for (int c = column_taps.begin; c < column_taps.end; ++c)
          step(g.in(g.rows.input(row, r), g.columns.input(column, c)), out);
      finish(out);
    }
}
template <class First, class Step>
void for_each_window(const PoolGeometry& g, First&& start, Step&& step) {
  for_each_window(g, start, step, [](std::size_t) {});
}

/// Sets the values [begin, end) of every input pixel to 0.
template <class T>
void clear_inputs(const PoolGeometry& g, T* dx, std::size_t begin, std::size_t end) {
  for (std::size_t pixel = 0; pixel < g.in(g.rows.in, 0); pixel += g.run)
    std::fill(dx + pixel + begin, dx + pixel + end, T{0});
}

/// The part of an output pixel's window that lies inside the input.
struct Window {
  std::size_t first;   ///< where its first pixel starts
  std::size_t row;     ///< from one of its rows to the next
  std::size_t column;  ///< from one of its columns to the next
  std::size_t rows;
  std::size_t columns;
};
constexpr Window window_of(const PoolGeometry& g, int row, int column) {
  const Slice rows = g.rows.taps(row), columns = g.columns.taps(column);
  return {g.in(g.rows.input(row, rows.begin), g.columns.input(column, columns.begin)), g.in(1, 0), g.run,
          static_cast<std::size_t>(rows.end - rows.begin),
          static_cast<std::size_t>(columns.end - columns.begin)};
}

/// Calls step.values<L>(window, output pixel, i) for values [begin, end) of the run of every output pixel, L
/// of them from i on at a time: a kernel for on_registers.
template <class T, class Step>
struct OverWindows {
  const PoolGeometry& g;
  std::size_t begin;
  std::size_t end;
  Step step;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    for (int row = 0; row < g.rows.out; ++row)
      for (int column = 0; column < g.columns.out; ++column) {
        const Window window = window_of(g, row, column);
        const std::size_t out = g.out(row, column);
        std::size_t i = begin;
        for (; i + wide <= end; i += wide) step.template values<wide>(window, out, i);
        for (; i < end; ++i) step.template values<1>(window, out, i);
      }
  }
};

template <class T>
struct MaxPoolForward {
  const T* x;
  T* y;

  template <int L>
  [[gnu::always_inline]] inline void values(const Window& window, std::size_t out, std::size_t i) const {
    using Vector = typename Lanes<T, L>::type;
    using Memory = typename Lanes<T, L>::Memory;
    Vector largest = Vector{} - std::numeric_limits<T>::infinity();
    for (std::size_t r = 0; r < window.rows; ++r)
      for (std::size_t c = 0; c < window.columns; ++c) {
        const std::size_t at = window.first + r * window.row + c * window.column + i;
        const Vector value = reinterpret_cast<const Memory*>(x + at)->values;
        largest = ((value > largest) | (value != value)) ? value : largest;
      }
    reinterpret_cast<Memory*>(y + out + i)->values = largest;
  }
};

template <class T>
struct MaxPoolBackward {
  const T* x;
  const T* y;
  const T* dy;
  T* dx;

  template <int L>
  [[gnu::always_inline]] inline void values(const Window& window, std::size_t out, std::size_t i) const {
    using Vector = typename Lanes<T, L>::type;
    using Memory = typename Lanes<T, L>::Memory;
    const Vector zero{}, largest = reinterpret_cast<const Memory*>(y + out + i)->values;
    Vector left = reinterpret_cast<const Memory*>(dy + out + i)->values;
    for (std::size_t r = 0; r < window.rows; ++r)
      for (std::size_t c = 0; c < window.columns; ++c) {
        const std::size_t at = window.first + r * window.row + c * window.column + i;
        const Vector value = reinterpret_cast<const Memory*>(x + at)->values;
        reinterpret_cast<Memory*>(dx + at)->values += value == largest ? left : zero;
        left = value == largest ? zero : left;  // only the first one gets it
      }
  }
};

/// y = the largest value in each window; not-a-number wins, as in PyTorch. x (N, C, H, W), y (N, C, OH, OW).
template <class T>
[[gnu::noinline]] void max_pool_forward(const PoolGeometry& g, const T* x, T* y, Workers& workers) {
  for_each_part(g, workers, [&](std::size_t begin, std::size_t end) {
    on_registers(OverWindows<T, MaxPoolForward<T>>{g, begin, end, {x, y}});
  });
}

/// dx = dy at the first largest value of each window, 0 elsewhere: overwritten. The place is found again from
/// x and y, which both neighbours keep anyway.
template <class T>
[[gnu::noinline]] void max_pool_backward(const PoolGeometry& g, const T* x, const T* y, const T* dy, T* dx,
                                         Workers& workers) {
  for_each_part(g, workers, [&](std::size_t begin, std::size_t end) {
    clear_inputs(g, dx, begin, end);
    on_registers(OverWindows<T, MaxPoolBackward<T>>{g, begin, end, {x, y, dy, dx}});
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
  for_each_part(g, workers, [&](std::size_t begin, std::size_t end) {
    T scale{0};
    for_each_window(
        g,
        [&](std::size_t out, int row, int column) {
          scale = T{1} / static_cast<T>(pool_divisor(g, row, column, count_padding));
          std::fill(y + out + begin, y + out + end, T{0});
        },
        [&](std::size_t in, std::size_t out) {
          for (std::size_t i = begin; i < end; ++i) y[out + i] += x[in + i];
        },
        [&](std::size_t out) {
          for (std::size_t i = begin; i < end; ++i) y[out + i] *= scale;
        });
  });
}

/// dx = dy shared out evenly over each window: overwritten.
template <class T>
[[gnu::noinline]] void average_pool_backward(const PoolGeometry& g, bool count_padding, const T* dy, T* dx,
                                             Workers& workers) {
  for_each_part(g, workers, [&](std::size_t begin, std::size_t end) {
    clear_inputs(g, dx, begin, end);
    T scale{0};
    for_each_window(
        g,
        [&](std::size_t, int row, int column) {
          scale = T{1} / static_cast<T>(pool_divisor(g, row, column, count_padding));
        },
        [&](std::size_t in, std::size_t out) {
          for (std::size_t i = begin; i < end; ++i) dx[in + i] += dy[out + i] * scale;
        });
  });
}

/// The window that covers a whole image: with it average pooling is global, and y a vector (N, C).
constexpr PoolGeometry whole_image(std::size_t run, int height, int width) {
  return {run, Axis{height, 1, height}, Axis{width, 1, width}};
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void max_pool_forward(const PoolGeometry&, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void max_pool_backward(const PoolGeometry&, const float*, const float*, const float*,
                                           float*, Workers&);
CAPTCHA_INSTANTIATE void average_pool_forward(const PoolGeometry&, bool, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void average_pool_backward(const PoolGeometry&, bool, const float*, float*, Workers&);
#endif

}  // namespace captcha
