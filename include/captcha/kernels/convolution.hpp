// Convolution, forward and backward: the shortest way for each geometry.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/bfloat16.hpp>
#include <captcha/kernels/conv_geometry.hpp>
#include <captcha/kernels/direct.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/winograd.hpp>
#include <captcha/kernels/winograd_gradient.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace captcha {

/// Scratch that the functions below want: values for each sample and for each batch.
struct ConvScratch {
  std::size_t per_sample;
  std::size_t per_batch;
};
/// Enough for batches of any size.
constexpr ConvScratch conv_forward_scratch(const ConvGeometry& g) {
  const std::size_t padded = direct::Padded(g, 1).values();
  return winograd::pays<float>(g)
             ? ConvScratch{std::max(padded, winograd::input_values(g)), winograd::weight_values(g)}
             : ConvScratch{padded, 0};
}
constexpr ConvScratch conv_backward_scratch(const ConvGeometry& g) {
  const std::size_t turned = static_cast<std::size_t>(g.rows.out) * static_cast<std::size_t>(g.columns.out) *
                             static_cast<std::size_t>(g.out_channels);
  return winograd::pays<float>(g)
             ? ConvScratch{turned + winograd::gradient_values(g), winograd::weight_values(g)}
             : ConvScratch{turned, 0};
}

/// Whether these samples go through winograd.hpp: few would not fill its registers.
template <class T>
bool is_short(const ConvGeometry& g) {
  return g.samples >= 16 && winograd::pays<T>(g);
}

/// y = w * x and `ending`. x (N, C, H, W), y (N, O, OH, OW), w (O, C / groups, KH, KW); all in the memory
/// orders of conv_geometry.hpp.
template <class T>
void conv_forward(const ConvGeometry& g, const T* x, const T* w, const Ending<T>& ending, T* y, T* scratch,
                  Workers& workers) {
  if (!is_short<T>(g)) return direct::forward(g, x, w, ending, y, scratch, workers);
  winograd::spread_weights(g, w, false, scratch, workers);
  winograd::convolve(g, false, x, scratch, ending, y, workers);
}

// Prediction: the weights are prepared once, as [w][bias][w at the points, if that pays]. w may be kept as W,
// in fewer bytes than T, in which everything is computed: one sample waits for little but w. What lies at the
// points stays T, for it serves many products, which wait for their multiplications.

/// What the weights take when they are kept as W, in values of T.
template <class W, class T>
constexpr std::size_t conv_weight_values(const ConvGeometry& g) {
  const std::size_t values = static_cast<std::size_t>(g.out_channels) *
                             static_cast<std::size_t>(g.group_in()) * static_cast<std::size_t>(g.taps());
  return (values * sizeof(W) + sizeof(T) - 1) / sizeof(T);
}
template <class W, class T>
constexpr std::size_t conv_packed_values(const ConvGeometry& g) {
  return conv_weight_values<W, T>(g) + static_cast<std::size_t>(g.out_channels) +
         (winograd::pays<float>(g) ? winograd::weight_values(g) : 0);
}

/// Prepares scale[o] * w, rounded to W, and scale[o] * bias[o] + shift[o]. `bias` may be null; so may `scale`
/// and `shift`, for 1 and 0.
template <class W, class T>
void conv_pack(const ConvGeometry& g, const T* w, const T* bias, const T* scale, const T* shift, T* packed,
               Workers& workers) {
  T* const packed_bias = packed + conv_weight_values<W, T>(g);
  std::vector<T> wide(std::is_same_v<W, T> ? 0 : conv_weight_values<T, T>(g));
  T* const folded = std::is_same_v<W, T> ? packed : wide.data();
  for (int group = 0; group < g.groups; ++group)
    for (int index = 0; index < convolution::blocks_of(g); ++index) {
      const convolution::Block block = convolution::block_of(g, group, index);
      for (std::ptrdiff_t i = 0; i < std::ptrdiff_t{g.taps()} * g.group_in(); ++i)
        for (int o = 0; o < block.width; ++o) {
          const std::ptrdiff_t at = block.weights + i * block.width + o;
          folded[at] = w[at] * (scale ? scale[block.first + o] : T{1});
        }
    }
  for (int o = 0; o < g.out_channels; ++o)
    packed_bias[o] = (bias ? bias[o] : T{0}) * (scale ? scale[o] : T{1}) + (shift ? shift[o] : T{0});
  auto* const kept = reinterpret_cast<typename Lanes<W, 1>::Memory*>(packed);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    kept[i].values = static_cast<W>(folded[i]);
    folded[i] = static_cast<T>(kept[i].values);
  }
  if (winograd::pays<T>(g)) winograd::spread_weights(g, folded, false, packed_bias + g.out_channels, workers);
}

/// conv_forward with prepared weights; the ending's bias is theirs.
template <class W, class T>
void conv_infer(const ConvGeometry& g, const T* x, const T* packed, Ending<T> ending, T* y, T* scratch,
                Workers& workers) {
  ending.bias = packed + conv_weight_values<W, T>(g);
  const T* const spread_w = ending.bias + g.out_channels;
  if (is_short<T>(g))
    winograd::convolve(g, false, x, spread_w, ending, y, workers);
  else if (winograd::pays<T>(g) && winograd::few_pay(g))
    winograd::convolve_few(g, x, spread_w, ending, y, scratch, workers);
  else
    direct::forward(g, x, reinterpret_cast<const W*>(packed), ending, y, scratch, workers);
}

/// dx = the transposed convolution of dy: overwritten. Shapes as in conv_forward.
template <class T>
void conv_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx, T* scratch,
                         Workers& workers) {
  if (!is_short<T>(g)) return direct::backward_input(g, dy, w, dx, workers);
  winograd::spread_weights(g, w, true, scratch, workers);
  winograd::convolve<T>(g, true, dy, scratch, {}, dx, workers);
}

/// dw += the gradient by the weights. Shapes as in conv_forward.
template <class T>
void conv_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, T* scratch,
                          Workers& workers) {
  T* const turned = scratch;
  direct::turn(g, dy, turned, workers);
  if (g.group_in() < 16) return direct::backward_weight_by_windows(g, x, turned, dw, workers);
  if (!is_short<T>(g)) return direct::backward_weight(g, x, turned, dw, workers);
  const std::size_t samples = static_cast<std::size_t>(g.samples);
  T* const spread_dy = turned + g.rows.out * g.columns.out * g.out_pixel();
  winograd::backward_weight(g, x, turned, dw, spread_dy, spread_dy + winograd::gradient_values(g) * samples,
                            workers);
}

/// dbias[o] += the sum of dy over every pixel and sample of channel o.
template <class T>
[[gnu::noinline]] void conv_backward_bias(const ConvGeometry& g, const T* dy, T* dbias, Workers& workers) {
  workers.run(g.out_channels, [&](int channel) {
    const T* values = dy + std::ptrdiff_t{channel} * g.samples;
    dbias[channel] += static_cast<T>(
        sum_runs<T>(static_cast<std::size_t>(g.rows.out) * static_cast<std::size_t>(g.columns.out),
                    static_cast<std::size_t>(g.out_pixel()), static_cast<std::size_t>(g.samples),
                    [values](std::size_t i) { return values[i]; }));
  });
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void conv_forward(const ConvGeometry&, const float*, const float*, const Ending<float>&,
                                      float*, float*, Workers&);
CAPTCHA_INSTANTIATE void conv_pack<float>(const ConvGeometry&, const float*, const float*, const float*,
                                          const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void conv_pack<BFloat16>(const ConvGeometry&, const float*, const float*, const float*,
                                             const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void conv_infer<float>(const ConvGeometry&, const float*, const float*, Ending<float>,
                                           float*, float*, Workers&);
CAPTCHA_INSTANTIATE void conv_infer<BFloat16>(const ConvGeometry&, const float*, const float*, Ending<float>,
                                              float*, float*, Workers&);
CAPTCHA_INSTANTIATE void conv_backward_input(const ConvGeometry&, const float*, const float*, float*, float*,
                                             Workers&);
CAPTCHA_INSTANTIATE void conv_backward_weight(const ConvGeometry&, const float*, const float*, float*, float*,
                                              Workers&);
CAPTCHA_INSTANTIATE void conv_backward_bias(const ConvGeometry&, const float*, float*, Workers&);
#endif

}  // namespace captcha
