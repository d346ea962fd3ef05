// BatchNorm2d: each channel brought to mean 0 and variance 1 over the batch, then scaled and shifted.
//
//   y = (x - mean) / sqrt(var + eps) * weight + bias        (Ioffe and Szegedy 2015, arXiv:1502.03167)
//
// Input and output (N, C, H, W). In training mean and (biased) variance are the batch's over N, H and W, and
// the running statistics move towards them by `momentum` (variance unbiased); in prediction, or when
// one of the layer's parameters is frozen, the running statistics are used and stay as they are.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/normalisation.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace captcha {

/// The options of BatchNorm2d, with PyTorch's defaults.
struct Norm {
  float eps = 1e-5f;
  float momentum = 0.1f;
};

/// Parameters: weight (C), bias (C). Buffers: running_mean (C), running_var (C). `AndReLU` is what the fusion
/// rule of compose/fusion.hpp makes of a batch norm followed by ReLU: one pass over memory instead of two.
template <int Channels, Norm Options = Norm{}, bool AndReLU = false>
struct BatchNorm2d : LayerDefaults {
  static_assert(Channels > 0, "captcha: BatchNorm2d needs at least one channel");
  static_assert(Options.eps > 0 && Options.momentum >= 0 && Options.momentum <= 1,
                "captcha: BatchNorm2d's eps must be positive and its momentum between 0 and 1");

  static constexpr std::string_view kind = AndReLU ? "BatchNorm2d + ReLU" : "BatchNorm2d";
  static constexpr Reads reads{.input = true, .output = AndReLU};

  // --- shapes ---
  static constexpr Shape wants(Shape in) { return chw(Channels, in.height, in.width); }
  static constexpr Shape out(Shape in) { return in; }
  /// The batch's mean and 1 / sqrt(var + eps).
  static constexpr Footprint saved(Shape) { return {0, 2 * channels}; }
  static constexpr Footprint scratch(Shape, Pass pass) {
    return pass == Pass::infer ? Footprint{0, 2 * channels} : Footprint{};
  }

  // --- parameters ---
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.parameter(
        {.name = "weight", .extents = {Channels}, .role = Role::norm_weight, .initial = constant(1)});
    slots.parameter({.name = "bias", .extents = {Channels}, .role = Role::norm_bias, .initial = constant(0)});
    slots.buffer(
        {.name = "running_mean", .extents = {Channels}, .role = Role::running_mean, .initial = constant(0)});
    slots.buffer(
        {.name = "running_var", .extents = {Channels}, .role = Role::running_var, .initial = constant(1)});
  }

  // --- infer ---
  static constexpr bool rectifies = AndReLU;
  /// What the layer does to a channel in prediction: y = scale * x + shift, then rectified if it `rectifies`.
  template <class T>
  static void as_scale(const T* parameters, const T* buffers, T* scale, T* shift) {
    norm_as_scale(Channels, buffers, buffers + channels, static_cast<T>(Options.eps), parameters,
                  parameters + channels, scale, shift);
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    T* mean = call.scratch;
    T* inverse = mean + channels;
    stored_statistics(Channels, call.buffers, call.buffers + channels, static_cast<T>(Options.eps), mean,
                      inverse);
    apply<S>(call, mean, inverse);
  }

  // --- forward ---
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    T* mean = call.saved;
    T* inverse = mean + channels;
    const T eps = static_cast<T>(Options.eps);
    if (frozen(call))
      stored_statistics(Channels, call.buffers, call.buffers + channels, eps, mean, inverse);
    else
      batch_statistics(geometry<S>(call.samples), call.x, eps, static_cast<T>(Options.momentum), mean,
                       inverse, call.buffers, call.buffers + channels, call.workers);
    apply<S>(call, mean, inverse);
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    T* dweight = call.frozen[0] ? nullptr : call.gradients;
    T* dbias = call.frozen[1] ? nullptr : call.gradients + channels;
    normalise_backward<After>(geometry<S>(call.samples), !frozen(call), call.x, call.y, call.dy, call.saved,
                              call.saved + channels, call.parameters, call.dx, dweight, dbias, call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    const std::string y = graph.node(
        "BatchNormalization",
        {x, graph.slot("weight"), graph.slot("bias"), graph.slot("running_mean"), graph.slot("running_var")},
        {{"epsilon", Options.eps}});
    return AndReLU ? graph.node("Relu", {y}) : y;
  }

 private:
  using After = std::conditional_t<AndReLU, Rectify, Keep>;
  static constexpr std::size_t channels = static_cast<std::size_t>(Channels);

  template <Shape S>
  static constexpr ChannelGeometry geometry(int samples) {
    return {S.size() / channels, channels, static_cast<std::size_t>(samples)};
  }
  /// Freezing either parameter freezes the statistics too: a half-frozen norm would drift.
  static bool frozen(const auto& call) { return call.frozen[0] || call.frozen[1]; }

  template <Shape S, class Call, class T>
  static void apply(const Call& call, const T* mean, const T* inverse) {
    normalise<After>(geometry<S>(call.samples), call.x, mean, inverse, call.parameters,
                     call.parameters + channels, call.y, call.workers);
  }
};

}  // namespace captcha
