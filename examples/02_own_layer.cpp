// A layer of one's own: a stateless type with an output shape, infer and backward. No macro, no registration.
#include <captcha/captcha.hpp>
#include <captcha/testing.hpp>

#include <cmath>
#include <cstdio>

// [layer]
using namespace captcha;

/// Swish: y = x * sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941). Any shape.
struct Swish : LayerDefaults {
  static constexpr Reads reads{.input = true};  // backward needs x; it must say so to find it

  static constexpr Shape out(Shape in) { return in; }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    const auto x =
        batch_view(call.x, S, static_cast<std::size_t>(call.samples));  // (sample, channel, row, column)
    auto y = batch_view(call.y, S, static_cast<std::size_t>(call.samples));
    xt::noalias(y) = x / (1 + xt::exp(-x));
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (!call.dx) return;  // nobody asked for the gradient by the input
    const std::size_t values = S.size() * static_cast<std::size_t>(call.samples);
    for (std::size_t i = 0; i < values; ++i) {  // raw spans do as well
      const T gate = 1 / (1 + std::exp(-call.x[i]));
      call.dx[i] = call.dy[i] * (gate + call.x[i] * gate * (1 - gate));
    }
  }
};

// It composes with all others, and the library's ruler measures it.
using Net = Chain<Named<"conv1", Conv2d<1, 4>>, Swish, GlobalAvgPool2d, Named<"fc", Linear<4, 2>>>;
static_assert(Layer<Swish>);
// [layer]

int main() {
  const auto own = check_gradients<Swish, chw(2, 3, 4)>();
  const auto all = check_gradients<Net, chw(1, 6, 5)>();
  const auto contract = check_conformance<Swish, chw(2, 3, 4)>();
  std::printf("Swish: %s\nnetwork: %s\ncontract: %s\n", own.message.c_str(), all.message.c_str(),
              contract.ok() ? "kept" : contract.message.c_str());
  return own.ok() && all.ok() && contract.ok() ? 0 : 1;
}
