// Batch normalisation over [row][channel][column][sample] memory (Ioffe and Szegedy 2015, arXiv:1502.03167).
//
// A channel is `height` runs of `run` = W * N contiguous values; one task handles one channel.
#pragma once

#include <captcha/kernels/elementwise.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/workers.hpp>

#include <cmath>
#include <cstddef>

namespace captcha {

/// Where the values of a channel lie.
struct ChannelGeometry {
  int height;
  int channels;
  std::size_t run;  ///< W * N values of one channel in one row

  constexpr std::size_t offset(int row, int channel) const {
    return (static_cast<std::size_t>(row) * static_cast<std::size_t>(channels) +
            static_cast<std::size_t>(channel)) *
           run;
  }
  constexpr std::size_t count() const { return static_cast<std::size_t>(height) * run; }
};

/// The sum of term(index) over every value of a channel, where index points into the activation.
template <class T, class Term>
double channel_sum(const ChannelGeometry& g, int channel, Term&& term) {
  double total = 0;
  for (int row = 0; row < g.height; ++row) {
    const std::size_t base = g.offset(row, channel);
    total += sum_terms<T>(g.run, [&](std::size_t i) { return term(base + i); });
  }
  return total;
}

/// mean[c] and inverse[c] = 1 / sqrt(var + eps) of the batch; running statistics move by `momentum` towards
/// the batch's mean and unbiased variance, as PyTorch's do. Two passes: the variance is summed about the
/// mean.
template <class T>
[[gnu::noinline]] void batch_statistics(const ChannelGeometry& g, const T* x, T eps, T momentum, T* mean,
                                        T* inverse, T* running_mean, T* running_var, Workers& workers) {
  workers.run(g.channels, [&](int c) {
    const double count = static_cast<double>(g.count());
    const double exact_mean = channel_sum<T>(g, c, [&](std::size_t i) { return x[i]; }) / count;
    const T centre = static_cast<T>(exact_mean);
    const double square =
        channel_sum<T>(g, c, [&](std::size_t i) { return (x[i] - centre) * (x[i] - centre); });
    const double variance = square / count;
    mean[c] = centre;
    inverse[c] = static_cast<T>(1.0 / std::sqrt(variance + static_cast<double>(eps)));
    const double unbiased = count > 1 ? square / (count - 1) : variance;
    running_mean[c] += momentum * (static_cast<T>(exact_mean) - running_mean[c]);
    running_var[c] += momentum * (static_cast<T>(unbiased) - running_var[c]);
  });
}

/// mean[c] and inverse[c] from the running statistics.
template <class T>
void stored_statistics(int channels, const T* running_mean, const T* running_var, T eps, T* mean,
                       T* inverse) {
  for (int c = 0; c < channels; ++c) {
    mean[c] = running_mean[c];
    inverse[c] = T{1} / std::sqrt(running_var[c] + eps);
  }
}

/// Leaves a value as it is.
struct Keep {
  template <class T>
  T operator()(T value) const {
    return value;
  }
};

/// y = (x - mean) * inverse * weight + bias, followed by `After` on every value: Keep or Rectify.
template <class After, class T>
[[gnu::noinline]] void normalise(const ChannelGeometry& g, const T* x, const T* mean, const T* inverse,
                                 const T* weight, const T* bias, T* y, Workers& workers) {
  workers.run(g.channels, [&](int c) {
    const T scale = inverse[c] * weight[c];
    const T shift = bias[c] - mean[c] * scale;
    for (int row = 0; row < g.height; ++row) {
      const T* in = x + g.offset(row, c);
      T* out = y + g.offset(row, c);
      for (std::size_t i = 0; i < g.run; ++i) out[i] = After{}(in[i] * scale + shift);
    }
  });
}

/// The gradient by the normalised value: dy itself, or dy where the rectified output y was positive.
template <class T>
struct Gradient {
  const T* dy;
  T operator()(std::size_t i) const { return dy[i]; }
};
template <class T>
struct RectifiedGradient {
  const T* dy;
  const T* y;
  T operator()(std::size_t i) const { return y[i] > T{0} ? dy[i] : T{0}; }
};

/// Backward through the normalisation; `gradient` is one of the two above. With batch statistics (Ioffe and
/// Szegedy 2015, section 3)
///   dx = weight * inverse * (g - mean(g) - x_hat * mean(g * x_hat)),
/// with stored ones dx = weight * inverse * g. dx, dweight and dbias may be null; the latter two are added
/// to.
template <class T, class By>
[[gnu::noinline]] void normalise_backward(const ChannelGeometry& g, bool batch_statistics, const T* x,
                                          const T* mean, const T* inverse, const T* weight, T* dx, T* dweight,
                                          T* dbias, Workers& workers, const By& gradient) {
  workers.run(g.channels, [&](int c) {
    const T centre = mean[c];
    const T spread = inverse[c];
    const double sum = channel_sum<T>(g, c, [&](std::size_t i) { return gradient(i); });
    const double product =
        channel_sum<T>(g, c, [&](std::size_t i) { return gradient(i) * ((x[i] - centre) * spread); });
    if (dweight) dweight[c] += static_cast<T>(product);
    if (dbias) dbias[c] += static_cast<T>(sum);
    if (!dx) return;
    const double count = static_cast<double>(g.count());
    const T mean_gradient = batch_statistics ? static_cast<T>(sum / count) : T{0};
    const T mean_product = batch_statistics ? static_cast<T>(product / count) : T{0};
    const T scale = weight[c] * spread;
    for (int row = 0; row < g.height; ++row) {
      const std::size_t base = g.offset(row, c);
      for (std::size_t i = base; i < base + g.run; ++i)
        dx[i] = scale * (gradient(i) - mean_gradient - (x[i] - centre) * spread * mean_product);
    }
  });
}

}  // namespace captcha
