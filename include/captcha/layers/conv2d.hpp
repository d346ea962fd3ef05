// Conv2d: a learned filter slid over the image.
//
//   y[n, o, i, j] = bias[o] + sum over c, r, s of w[o, c, r, s] * x[n, c, i * stride - padding + r *
//   dilation, …]
//
// (a cross-correlation, as every deep-learning library computes it; LeCun et al. 1989). Input (N, In, H, W),
// output (N, Out, OH, OW) with OH = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/convolution.hpp>
#include <captcha/layers/size2.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace captcha {

/// The options of Conv2d, with PyTorch's defaults.
struct Conv {
  Size2 kernel = 3;
  Size2 stride = 1;
  Size2 padding = 0;
  Size2 dilation = 1;
  int groups = 1;
  bool bias = true;
};

/// Convolution of In to Out channels: Conv2d<3, 64, Conv{.kernel = 7, .stride = 2, .padding = 3}>.
/// Parameters: weight (Out, In / groups, KH, KW), bias (Out).
template <int In, int Out, Conv Options = Conv{}>
struct Conv2d : LayerDefaults {
  static_assert(In > 0 && Out > 0, "captcha: Conv2d needs at least one channel on either side");
  static_assert(Options.groups > 0 && In % Options.groups == 0 && Out % Options.groups == 0,
                "captcha: Conv2d's groups must divide both of its channel counts");
  static_assert(
      Options.kernel.rows > 0 && Options.kernel.columns > 0 && Options.stride.rows > 0 &&
          Options.stride.columns > 0 && Options.dilation.rows > 0 && Options.dilation.columns > 0 &&
          Options.padding.rows >= 0 && Options.padding.columns >= 0,
      "captcha: Conv2d's kernel, stride and dilation must be positive and its padding not negative");

  static constexpr Reads reads{.input = true};

  // --- shapes ---
  static constexpr Shape wants(Shape in) {
    const auto at_least = [](int kernel, int dilation, int padding) {
      return std::max(1, dilation * (kernel - 1) + 1 - 2 * padding);
    };
    return chw(
        In, std::max(in.height, at_least(Options.kernel.rows, Options.dilation.rows, Options.padding.rows)),
        std::max(in.width,
                 at_least(Options.kernel.columns, Options.dilation.columns, Options.padding.columns)));
  }
  static constexpr Shape out(Shape in) {
    const ConvGeometry g = geometry(in, 1);
    return chw(Out, g.rows.out, g.columns.out);
  }
  /// Nominal: taps that fall on padding are counted too, as every paper does.
  static constexpr std::size_t multiply_adds(Shape in) { return out(in).size() * weight_size / Out; }

  static constexpr Sight sees(Sight before) {
    return before.through(Options.dilation.rows * (Options.kernel.rows - 1) + 1,
                          Options.dilation.columns * (Options.kernel.columns - 1) + 1, Options.stride.rows,
                          Options.stride.columns);
  }

  static constexpr Footprint scratch(Shape in, Pass pass) {
    const ConvGeometry g = geometry(in, 1);
    const ConvScratch wanted = pass == Pass::backward ? conv_backward_scratch(g) : conv_forward_scratch(g);
    return {wanted.per_sample, wanted.per_batch};
  }

  // --- parameters ---
  static constexpr std::size_t weight_size =
      static_cast<std::size_t>(Out) * (In / Options.groups) * Options.kernel.rows * Options.kernel.columns;
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    constexpr int area = Options.kernel.rows * Options.kernel.columns;
    slots.parameter({.name = "weight",
                     .extents = {Out, In / Options.groups, Options.kernel.rows, Options.kernel.columns},
                     .rank = 4,
                     .role = Role::weight,
                     .initial = kaiming_normal(Out / Options.groups * area),
                     .block = convolution::block_width,
                     .groups = Options.groups});
    if constexpr (Options.bias)
      slots.parameter({.name = "bias",
                       .extents = {Out},
                       .role = Role::bias,
                       .initial = uniform_by_fan(In / Options.groups * area)});
  }

  // --- infer ---
  static constexpr bool adds = true;
  template <class T>
  static constexpr std::size_t packed(Shape in) {
    return conv_packed_values<T, Widened<T>>(geometry(in, 1));
  }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    pack_scaled<S>(call, nullptr, nullptr);
  }
  /// Packs scale[o] * output o + shift[o].
  template <Shape S, class T>
  static void pack_scaled(const Pack<T>& call, const Widened<T>* scale, const Widened<T>* shift) {
    conv_pack<T>(geometry(S, 1), call.parameters, bias(call), scale, shift, call.packed, call.workers);
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    conv_infer<T>(geometry(S, call.samples), call.x, call.parameters,
                  Ending<Widened<T>>{nullptr, call.add, call.rectify}, call.y, call.scratch, call.workers);
  }

  // --- forward ---
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    conv_forward(geometry(S, call.samples), call.x, call.parameters, Ending<T>{bias(call)}, call.y,
                 call.scratch, call.workers);
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    const ConvGeometry g = geometry(S, call.samples);
    if (!call.frozen[0]) conv_backward_weight(g, call.x, call.dy, call.gradients, call.scratch, call.workers);
    if constexpr (Options.bias)
      if (!call.frozen[1]) conv_backward_bias(g, call.dy, call.gradients + weight_size, call.workers);
    if (call.dx) conv_backward_input(g, call.dy, call.parameters, call.dx, call.scratch, call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    constexpr Size2 kernel = Options.kernel, stride = Options.stride, pad = Options.padding,
                    dilation = Options.dilation;
    std::vector<std::string> inputs{x, graph.slot("weight")};
    if (Options.bias) inputs.push_back(graph.slot("bias"));
    return graph.node("Conv", inputs,
                      {{"kernel_shape", {kernel.rows, kernel.columns}},
                       {"strides", {stride.rows, stride.columns}},
                       {"pads", {pad.rows, pad.columns, pad.rows, pad.columns}},
                       {"dilations", {dilation.rows, dilation.columns}},
                       {"group", Options.groups}});
  }

 private:
  static constexpr auto bias(const auto& call) {
    return Options.bias ? call.parameters + weight_size : nullptr;
  }
  static constexpr ConvGeometry geometry(Shape in, int samples) {
    const auto axis = [](int length, int kernel, int stride, int padding, int dilation) {
      return Axis{length,  Axis::length(length, kernel, stride, padding, dilation), kernel, stride, padding,
                  dilation};
    };
    return {samples,
            In,
            Out,
            Options.groups,
            axis(in.height, Options.kernel.rows, Options.stride.rows, Options.padding.rows,
                 Options.dilation.rows),
            axis(in.width, Options.kernel.columns, Options.stride.columns, Options.padding.columns,
                 Options.dilation.columns)};
  }
};

}  // namespace captcha
