// The specification of the kernels: the same functions as plain loops over (N, C, H, W) in double. Nothing
// here is fast; every fast kernel is compared with it.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace captcha::reference {

/// An array with the axes (N, C, H, W), the last one fastest. Weights of a convolution use them as
/// (out, in / groups, row, column).
struct Array {
  int n = 1, c = 1, h = 1, w = 1;
  std::vector<double> values = std::vector<double>(index(n, 0, 0, 0));

  std::size_t index(int a, int b, int i, int j) const {
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    return ((size(a) * size(c) + size(b)) * size(h) + size(i)) * size(w) + size(j);
  }
  double& operator()(int a, int b, int i, int j) { return values[index(a, b, i, j)]; }
  double operator()(int a, int b, int i, int j) const { return values[index(a, b, i, j)]; }
};

/// Zeros in the shape of `like`.
inline Array zeros_like(const Array& like) {
  return Array{like.n, like.c, like.h, like.w};
}

/// Calls f(n, c, i, j) for every place of an array of that shape.
template <class F>
void for_each_place(const Array& shape, F&& f) {
  for (int n = 0; n < shape.n; ++n)
    for (int c = 0; c < shape.c; ++c)
      for (int i = 0; i < shape.h; ++i)
        for (int j = 0; j < shape.w; ++j) f(n, c, i, j);
}

/// One axis of a sliding window.
struct Window {
  int kernel = 1, stride = 1, padding = 0, dilation = 1;

  /// How many positions fit on an axis of length `in`: counted, one after the other.
  int positions(int in) const {
    int count = 0;
    while (count * stride + dilation * (kernel - 1) < in + 2 * padding) ++count;
    return count;
  }
  /// The input that `tap` reads at `position`; outside [0, in) it is padding.
  int input(int position, int tap) const { return position * stride - padding + tap * dilation; }
};

/// A window over rows and columns.
struct Window2 {
  Window rows, columns;
};

// --- convolution ---

/// Calls f(x index, w index, y index) for every product that a convolution sums:
/// y[n, o, i, j] = bias[o] + sum over c, r, s of w[o, c, r, s] * x[n, c, i * stride - padding + r * dilation,
/// …].
template <class F>
void for_each_product(const Array& x, const Array& w, const Array& y, const Window2& window, F&& f) {
  const int groups = x.c / w.c;
  for_each_place(y, [&](int n, int o, int i, int j) {
    const int first = o / (y.c / groups) * w.c;  // the first input channel of the group of o
    for (int c = 0; c < w.c; ++c)
      for (int r = 0; r < w.h; ++r)
        for (int s = 0; s < w.w; ++s) {
          const int row = window.rows.input(i, r);
          const int column = window.columns.input(j, s);
          if (row < 0 || row >= x.h || column < 0 || column >= x.w) continue;
          f(x.index(n, first + c, row, column), w.index(o, c, r, s), y.index(n, o, i, j));
        }
  });
}

/// x (N, C, H, W), w (O, C / groups, KH, KW), bias (O) or empty; gives y (N, O, OH, OW).
inline Array conv_forward(const Array& x, const Array& w, const std::vector<double>& bias,
                          const Window2& window) {
  Array y{x.n, w.n, window.rows.positions(x.h), window.columns.positions(x.w)};
  if (!bias.empty())
    for_each_place(y, [&](int n, int o, int i, int j) { y(n, o, i, j) = bias[static_cast<std::size_t>(o)]; });
  for_each_product(x, w, y, window, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
    y.values[at_y] += w.values[at_w] * x.values[at_x];
  });
  return y;
}

/// The gradient by x, of which only the shape is read.
inline Array conv_backward_input(const Array& x, const Array& w, const Array& dy, const Window2& window) {
  Array dx = zeros_like(x);
  for_each_product(x, w, dy, window, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
    dx.values[at_x] += w.values[at_w] * dy.values[at_y];
  });
  return dx;
}

/// The gradient by w, of which only the shape is read.
inline Array conv_backward_weight(const Array& x, const Array& w, const Array& dy, const Window2& window) {
  Array dw = zeros_like(w);
  for_each_product(x, w, dy, window, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
    dw.values[at_w] += x.values[at_x] * dy.values[at_y];
  });
  return dw;
}

/// The gradient by a bias (C) that was added to every pixel.
inline std::vector<double> bias_backward(const Array& dy) {
  std::vector<double> dbias(static_cast<std::size_t>(dy.c));
  for_each_place(dy,
                 [&](int n, int c, int i, int j) { dbias[static_cast<std::size_t>(c)] += dy(n, c, i, j); });
  return dbias;
}

// --- pooling ---

/// Calls f(x index) for every input pixel under the window at (i, j), row by row.
template <class F>
void for_each_covered(const Array& x, const Window2& window, int n, int c, int i, int j, F&& f) {
  for (int r = 0; r < window.rows.kernel; ++r)
    for (int s = 0; s < window.columns.kernel; ++s) {
      const int row = window.rows.input(i, r);
      const int column = window.columns.input(j, s);
      if (row >= 0 && row < x.h && column >= 0 && column < x.w) f(x.index(n, c, row, column));
    }
}

/// Where in x the first largest value of a window lies; a not-a-number is larger than anything.
inline std::size_t largest(const Array& x, const Window2& window, int n, int c, int i, int j) {
  std::size_t best = x.values.size();
  for_each_covered(x, window, n, c, i, j, [&](std::size_t at) {
    const bool first = best == x.values.size();
    if (first || x.values[at] > x.values[best] || std::isnan(x.values[at])) best = at;
  });
  return best;
}

/// The shape of a pooling's output, filled with zeros.
inline Array pooled(const Array& x, const Window2& window) {
  return Array{x.n, x.c, window.rows.positions(x.h), window.columns.positions(x.w)};
}

inline Array max_pool_forward(const Array& x, const Window2& window) {
  Array y = pooled(x, window);
  for_each_place(
      y, [&](int n, int c, int i, int j) { y(n, c, i, j) = x.values[largest(x, window, n, c, i, j)]; });
  return y;
}

inline Array max_pool_backward(const Array& x, const Array& dy, const Window2& window) {
  Array dx = zeros_like(x);
  for_each_place(
      dy, [&](int n, int c, int i, int j) { dx.values[largest(x, window, n, c, i, j)] += dy(n, c, i, j); });
  return dx;
}

/// What the sum of the window at (i, j) is divided by: its pixels inside the image, or with `count_padding`
/// those inside the padded image.
inline double pool_divisor(const Array& x, const Window2& window, bool count_padding, int i, int j) {
  const auto inside = [count_padding](const Window& axis, int in, int position) {
    const int margin = count_padding ? axis.padding : 0;
    int count = 0;
    for (int tap = 0; tap < axis.kernel; ++tap)
      count += axis.input(position, tap) >= -margin && axis.input(position, tap) < in + margin;
    return count;
  };
  return inside(window.rows, x.h, i) * inside(window.columns, x.w, j);
}

inline Array average_pool_forward(const Array& x, const Window2& window, bool count_padding) {
  Array y = pooled(x, window);
  for_each_place(y, [&](int n, int c, int i, int j) {
    for_each_covered(x, window, n, c, i, j, [&](std::size_t at) { y(n, c, i, j) += x.values[at]; });
    y(n, c, i, j) /= pool_divisor(x, window, count_padding, i, j);
  });
  return y;
}

/// The gradient by x, of which only the shape is read.
inline Array average_pool_backward(const Array& x, const Array& dy, const Window2& window,
                                   bool count_padding) {
  Array dx = zeros_like(x);
  for_each_place(dy, [&](int n, int c, int i, int j) {
    const double share = dy(n, c, i, j) / pool_divisor(x, window, count_padding, i, j);
    for_each_covered(x, window, n, c, i, j, [&](std::size_t at) { dx.values[at] += share; });
  });
  return dx;
}

/// The window that covers a whole image: with it average pooling is global.
inline Window2 whole(const Array& x) {
  return {Window{x.h}, Window{x.w}};
}

// --- batch normalisation ---

/// Mean and variance of each channel, over N, H and W.
struct Statistics {
  std::vector<double> mean, variance;
};

/// The variance is divided by the number of values less `correction`: 1 for an unbiased one.
inline Statistics statistics(const Array& x, int correction = 0) {
  const auto channels = static_cast<std::size_t>(x.c);
  const double count = static_cast<double>(x.n) * x.h * x.w;
  Statistics of{std::vector<double>(channels), std::vector<double>(channels)};
  const auto at = [](int c) { return static_cast<std::size_t>(c); };
  for_each_place(x, [&](int n, int c, int i, int j) { of.mean[at(c)] += x(n, c, i, j) / count; });
  for_each_place(x, [&](int n, int c, int i, int j) {
    of.variance[at(c)] += std::pow(x(n, c, i, j) - of.mean[at(c)], 2) / (count - correction);
  });
  return of;
}

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, with the statistics of the batch or stored ones.
inline Array normalise(const Array& x, const Statistics& by, double eps, const std::vector<double>& weight,
                       const std::vector<double>& bias) {
  Array y = zeros_like(x);
  for_each_place(x, [&](int n, int channel, int i, int j) {
    const auto c = static_cast<std::size_t>(channel);
    y(n, channel, i, j) =
        (x(n, channel, i, j) - by.mean[c]) / std::sqrt(by.variance[c] + eps) * weight[c] + bias[c];
  });
  return y;
}

/// The gradients of `normalise`.
struct NormaliseGradients {
  Array x;
  std::vector<double> weight, bias;
};

/// Backward step by step, as Ioffe and Szegedy 2015 (arXiv:1502.03167, section 3) write it: by the normalised
/// value, then by variance and mean if they are the batch's own, then by x.
inline NormaliseGradients normalise_backward(const Array& x, const Array& dy, const Statistics& by,
                                             bool of_batch, double eps, const std::vector<double>& weight) {
  const auto channels = static_cast<std::size_t>(x.c);
  const double count = static_cast<double>(x.n) * x.h * x.w;
  NormaliseGradients d{zeros_like(x), std::vector<double>(channels), bias_backward(dy)};
  std::vector<double> by_variance(channels), by_mean(channels);
  const auto inverse = [&](std::size_t c) { return 1 / std::sqrt(by.variance[c] + eps); };
  for_each_place(x, [&](int n, int channel, int i, int j) {
    const auto c = static_cast<std::size_t>(channel);
    const double offset = x(n, channel, i, j) - by.mean[c];
    const double by_normalised = dy(n, channel, i, j) * weight[c];
    d.weight[c] += dy(n, channel, i, j) * offset * inverse(c);
    by_variance[c] -= by_normalised * offset / 2 * std::pow(inverse(c), 3);
    by_mean[c] -= by_normalised * inverse(c);
  });
  for_each_place(x, [&](int n, int channel, int i, int j) {
    const auto c = static_cast<std::size_t>(channel);
    d.x(n, channel, i, j) = dy(n, channel, i, j) * weight[c] * inverse(c);
    if (of_batch)
      d.x(n, channel, i, j) +=
          by_variance[c] * 2 * (x(n, channel, i, j) - by.mean[c]) / count + by_mean[c] / count;
  });
  return d;
}

// --- rectification ---

inline Array relu_forward(const Array& x) {
  Array y = x;
  for (double& value : y.values) value = value < 0 ? 0 : value;
  return y;
}

inline Array relu_backward(const Array& x, const Array& dy) {
  Array dx = dy;
  for (std::size_t i = 0; i < dx.values.size(); ++i) dx.values[i] *= x.values[i] > 0;
  return dx;
}

// A linear layer is a 1 x 1 convolution of (N, In, 1, 1) with w (Out, In, 1, 1).

}  // namespace captcha::reference
