// Flatten: an image (N, C, H, W) as a vector (N, C * H * W), channel by channel as PyTorch orders it.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/elementwise.hpp>

namespace captcha {

/// No parameters. A copy: our images lie pixel by pixel, PyTorch's vectors channel by channel.
struct Flatten : LayerDefaults {
  static constexpr Shape out(Shape in) { return flat(in.channels * in.height * in.width); }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    swap_axes(size(S.height * S.width), size(S.channels), size(call.samples), call.x, call.y, call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      swap_axes(size(S.channels), size(S.height * S.width), size(call.samples), call.dy, call.dx,
                call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    return graph.node("Flatten", {x}, {{"axis", 1}});
  }

 private:
  static constexpr std::size_t size(int value) { return static_cast<std::size_t>(value); }
};

}  // namespace captcha
