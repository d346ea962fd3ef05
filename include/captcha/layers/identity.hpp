// Identity: y = x. Any shape.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/elementwise.hpp>

namespace captcha {

/// No parameters. Useful where a place in a network wants a layer and nothing should happen.
struct Identity : LayerDefaults {
  static constexpr Shape out(Shape in) { return in; }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    copy(S.size() * static_cast<std::size_t>(call.samples), call.x, call.y, call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx) copy(S.size() * static_cast<std::size_t>(call.samples), call.dy, call.dx, call.workers);
  }

  // --- export ---
  static std::string onnx(auto&, const std::string& x, Shape) { return x; }
};

}  // namespace captcha
