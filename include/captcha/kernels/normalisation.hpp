// Batch normalisation over [row][column][channel][sample] memory (Ioffe and Szegedy 2015, arXiv:1502.03167).
//
// A channel is a run of N contiguous values in each pixel. A task handles a few channels that lie together.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/elementwise.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>

namespace captcha {

/// Where the values of a channel lie.
struct ChannelGeometry {
  std::size_t pixels;
  std::size_t channels;
  std::size_t samples;

  constexpr std::size_t pixel() const { return channels * samples; }
  constexpr std::size_t count() const { return pixels * samples; }
};

/// Channels of one task.
struct Channels {
  static constexpr std::size_t most = 8;
  std::size_t begin;
  std::size_t end;
};

/// How many: at most so many that three arrays of their values stay in a second-level cache, because
/// statistics and gradients are passes over the same memory one after the other.
constexpr std::size_t channels_of_task(const ChannelGeometry& g) {
  constexpr std::size_t values = 1 << 16;
  return std::clamp<std::size_t>(values / std::max<std::size_t>(g.count(), 1), 1, Channels::most);
}

/// Calls f(channels) for every few channels, each a task.
template <class F>
void for_each_channels(const ChannelGeometry& g, Workers& workers, F&& f) {
  const std::size_t width = channels_of_task(g);
  workers.run(static_cast<int>((g.channels + width - 1) / width), [&](int task) {
    const std::size_t begin = static_cast<std::size_t>(task) * width;
    f(Channels{begin, std::min(begin + width, g.channels)});
  });
}

/// Calls f(channel, first, last) for the run of every channel in every pixel, pixel after pixel.
template <class F>
void for_each_run(const ChannelGeometry& g, Channels of, F&& f) {
  for (std::size_t pixel = 0; pixel < g.pixels; ++pixel)
    for (std::size_t c = of.begin; c < of.end; ++c) {
      const std::size_t first = pixel * g.pixel() + c * g.samples;
      f(c, first, first + g.samples);
    }
}

/// Count sums a channel.
template <std::size_t Count>
using ChannelSums = std::array<std::array<double, Channels::most>, Count>;

/// Sums over each channel of terms(channel, index), which gives Count of them: sixteen running sums in T over
/// about 4096 terms at a time and in double over those, always in one order.
template <class T, std::size_t Count, class Terms>
ChannelSums<Count> channel_sums(const ChannelGeometry& g, Channels of, Terms&& terms) {
  constexpr std::size_t lanes = 16;
  const std::size_t stretch = std::max<std::size_t>(4096 / g.samples, 1);  // pixels
  ChannelSums<Count> totals{};
  std::array<std::array<std::array<T, lanes>, Count>, Channels::most> partial{};
  for (std::size_t pixel = 0; pixel < g.pixels; ++pixel) {
    for (std::size_t c = of.begin; c < of.end; ++c) {
      auto sums = partial[c - of.begin];
      const std::size_t first = pixel * g.pixel() + c * g.samples, last = first + g.samples;
      std::size_t i = first;
      for (; i + lanes <= last; i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const std::array<T, Count> term = terms(c, i + lane);
          for (std::size_t k = 0; k < Count; ++k) sums[k][lane] += term[k];
        }
      for (std::size_t lane = 0; i < last; ++i, ++lane) {
        const std::array<T, Count> term = terms(c, i);
        for (std::size_t k = 0; k < Count; ++k) sums[k][lane] += term[k];
      }
      partial[c - of.begin] = sums;
    }
    if ((pixel + 1) % stretch != 0 && pixel + 1 != g.pixels) continue;
    for (std::size_t c = 0; c < of.end - of.begin; ++c)
      for (std::size_t k = 0; k < Count; ++k)
        for (T& value : partial[c][k]) {
          totals[k][c] += static_cast<double>(value);
          value = T{0};
        }
  }
  return totals;
}

/// mean[c] and inverse[c] = 1 / sqrt(var + eps) of the batch; running statistics move by `momentum` towards
/// the batch's mean and unbiased variance, as PyTorch's do. Two passes: the variance is summed about the
/// mean.
template <class T>
[[gnu::noinline]] void batch_statistics(const ChannelGeometry& g, const T* x, T eps, T momentum, T* mean,
                                        T* inverse, T* running_mean, T* running_var, Workers& workers) {
  for_each_channels(g, workers, [&](Channels of) {
    const double count = static_cast<double>(g.count());
    const auto sums = channel_sums<T, 1>(g, of, [x](std::size_t, std::size_t i) { return std::array{x[i]}; });
    for (std::size_t c = of.begin; c < of.end; ++c) mean[c] = static_cast<T>(sums[0][c - of.begin] / count);
    const auto squares = channel_sums<T, 1>(g, of, [x, mean](std::size_t c, std::size_t i) {
      return std::array{(x[i] - mean[c]) * (x[i] - mean[c])};
    });
    for (std::size_t c = of.begin; c < of.end; ++c) {
      const double square = squares[0][c - of.begin], variance = square / count;
      inverse[c] = static_cast<T>(1.0 / std::sqrt(variance + static_cast<double>(eps)));
      const double unbiased = count > 1 ? square / (count - 1) : variance;
      running_mean[c] += momentum * (mean[c] - running_mean[c]);
      running_var[c] += momentum * (static_cast<T>(unbiased) - running_var[c]);
    }
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

/// The same as scale[c] * x + shift[c]: what a norm with these weights and biases does in prediction.
template <class T>
void norm_as_scale(int channels, const T* running_mean, const T* running_var, T eps, const T* weight,
                   const T* bias, T* scale, T* shift) {
  stored_statistics(channels, running_mean, running_var, eps, shift, scale);
  for (int c = 0; c < channels; ++c) {
    scale[c] *= weight[c];
    shift[c] = bias[c] - shift[c] * scale[c];
  }
}

/// y = (x - mean) * inverse * weight + bias, followed by `After` on every value: Keep or Rectify.
template <class After, class T>
[[gnu::noinline]] void normalise(const ChannelGeometry& g, const T* x, const T* mean, const T* inverse,
                                 const T* weight, const T* bias, T* y, Workers& workers) {
  for_each_channels(g, workers, [&](Channels of) {
    for_each_run(g, of, [&](std::size_t c, std::size_t first, std::size_t last) {
      const T scale = inverse[c] * weight[c];
      const T shift = bias[c] - mean[c] * scale;
      const T* __restrict in = x;
      T* __restrict out = y;
      for (std::size_t i = first; i < last; ++i) out[i] = After{}(in[i] * scale + shift);
    });
  });
}

/// Backward through the normalisation and `After`, of which y is the output (null for Keep). With batch
/// statistics (Ioffe and Szegedy 2015, section 3)
///   dx = weight * inverse * (g - mean(g) - x_hat * mean(g * x_hat)),
/// with stored ones dx = weight * inverse * g. dx, dweight and dbias may be null; the latter two are added
/// to.
template <class After, class T>
[[gnu::noinline]] void normalise_backward(const ChannelGeometry& g, bool batch_statistics, const T* x,
                                          const T* y, const T* dy, const T* mean, const T* inverse,
                                          const T* weight, T* dx, T* dweight, T* dbias, Workers& workers) {
  const auto gradient = [&](std::size_t i) {
    if constexpr (std::same_as<After, Keep>)
      return dy[i];
    else
      return After::gradient(dy[i], y[i]);
  };
  for_each_channels(g, workers, [&](Channels of) {
    // The sums of g and of g * x_hat.
    const auto sums = channel_sums<T, 2>(g, of, [&](std::size_t c, std::size_t i) {
      const T by = gradient(i);
      return std::array{by, by * ((x[i] - mean[c]) * inverse[c])};
    });
    const double count = static_cast<double>(g.count());
    for (std::size_t c = of.begin; c < of.end; ++c) {
      if (dbias) dbias[c] += static_cast<T>(sums[0][c - of.begin]);
      if (dweight) dweight[c] += static_cast<T>(sums[1][c - of.begin]);
    }
    if (!dx) return;
    for_each_run(g, of, [&](std::size_t c, std::size_t first, std::size_t last) {
      const T mean_gradient = batch_statistics ? static_cast<T>(sums[0][c - of.begin] / count) : T{0};
      const T mean_product = batch_statistics ? static_cast<T>(sums[1][c - of.begin] / count) : T{0};
      const T centre = mean[c], spread = inverse[c], scale = weight[c] * spread;
      T* __restrict out = dx;
      for (std::size_t i = first; i < last; ++i)
        out[i] = scale * (gradient(i) - mean_gradient - (x[i] - centre) * spread * mean_product);
    });
  });
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void batch_statistics(const ChannelGeometry&, const float*, float, float, float*, float*,
                                          float*, float*, Workers&);
CAPTCHA_INSTANTIATE void norm_as_scale(int, const float*, const float*, float, const float*, const float*,
                                       float*, float*);
CAPTCHA_INSTANTIATE void normalise<Keep>(const ChannelGeometry&, const float*, const float*, const float*,
                                         const float*, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void normalise<Rectify>(const ChannelGeometry&, const float*, const float*, const float*,
                                            const float*, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void normalise_backward<Keep>(const ChannelGeometry&, bool, const float*, const float*,
                                                  const float*, const float*, const float*, const float*,
                                                  float*, float*, float*, Workers&);
CAPTCHA_INSTANTIATE void normalise_backward<Rectify>(const ChannelGeometry&, bool, const float*, const float*,
                                                     const float*, const float*, const float*, const float*,
                                                     float*, float*, float*, Workers&);
#endif

}  // namespace captcha
