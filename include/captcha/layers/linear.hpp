// Linear: every output is a weighted sum of every input.
//
//   y[n, o] = bias[o] + sum over i of weight[o, i] * x[n, i]
//
// Input (N, In), output (N, Out).
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/linear.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace captcha {

/// Parameters: weight (Out, In), bias (Out) unless Bias is false. An image in front needs Flatten or a
/// pooling that ends in a vector.
template <int In, int Out, bool Bias = true>
struct Linear : LayerDefaults {
  static_assert(In > 0 && Out > 0, "captcha: Linear needs at least one feature on either side");

  static constexpr Reads reads{.input = true};

  // --- shapes ---
  static constexpr Shape wants(Shape) { return flat(In); }
  static constexpr Shape out(Shape) { return flat(Out); }
  static constexpr std::size_t multiply_adds(Shape) { return weight_size; }

  // --- parameters ---
  static constexpr std::size_t weight_size = static_cast<std::size_t>(In) * static_cast<std::size_t>(Out);
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.parameter({.name = "weight",
                     .extents = {Out, In},
                     .rank = 2,
                     .role = Role::weight,
                     .initial = uniform_by_fan(In)});
    if constexpr (Bias)
      slots.parameter({.name = "bias", .extents = {Out}, .role = Role::bias, .initial = uniform_by_fan(In)});
  }

  // --- infer ---
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    linear_infer({call.samples, In, Out}, call.x, call.parameters,
                 Bias ? call.parameters + weight_size : nullptr, call.y, call.workers);
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    const LinearGeometry g{call.samples, In, Out};
    if (!call.frozen[0]) linear_backward_weight(g, call.x, call.dy, call.gradients, call.workers);
    if constexpr (Bias)
      if (!call.frozen[1]) linear_backward_bias(g, call.dy, call.gradients + weight_size);
    if (call.dx) linear_backward_input(g, call.dy, call.parameters, call.dx, call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    std::vector<std::string> inputs{x, graph.slot("weight")};
    if (Bias) inputs.push_back(graph.slot("bias"));
    return graph.node("Gemm", inputs, {{"transB", 1}});
  }
};

}  // namespace captcha
