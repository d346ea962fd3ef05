// ReLU: y = max(x, 0) (Nair and Hinton 2010). Any shape.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/elementwise.hpp>

namespace captcha {

/// No parameters. Backward passes the gradient where the output is positive.
struct ReLU : LayerDefaults {
  static constexpr Reads reads{.output = true};

  static constexpr Shape out(Shape in) { return in; }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    relu_forward(S.size() * static_cast<std::size_t>(call.samples), call.x, call.y, call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      relu_backward(S.size() * static_cast<std::size_t>(call.samples), call.y, call.dy, call.dx,
                    call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape) { return graph.node("Relu", {x}); }
};

}  // namespace captcha
