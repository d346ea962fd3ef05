// The concept Layer: a layer that cannot be trained is none, and the message says what is missing.
// expect: Double
// expect: backward<chw(1, 1, 1)>(backward)
#include <captcha/compose/residual.hpp>

using namespace captcha;

struct Double : LayerDefaults {
  static constexpr Shape out(Shape in) { return in; }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
      call.y[i] = 2 * call.x[i];
  }
#ifdef FIXED
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
        call.dx[i] = 2 * call.dy[i];
  }
#endif
};
using Net = Residual<Double>;
constexpr Shape shape = Net::out(flat(3));
