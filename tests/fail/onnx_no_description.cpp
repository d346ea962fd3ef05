// A layer that does not say which ONNX operators it is: its name and what to add are in the message.
// expect: does not say which ONNX operators it is
// expect-g++: L = Double;
// expect-clang++: add_to_onnx<Double
#include <captcha/io/onnx.hpp>
#include <captcha/layers.hpp>

using namespace captcha;

struct Double : LayerDefaults {
  static constexpr Shape out(Shape in) { return in; }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
      call.y[i] = 2 * call.x[i];
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
        call.dx[i] = 2 * call.dy[i];
  }
#ifdef FIXED
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    return graph.node("Add", {x, x});
  }
#endif
};
using Net = Chain<Linear<3, 3>, Double>;
void save(const Weights<Net>& weights) {
  save_onnx<flat(3)>("net.onnx", weights, {});
}
