// Dropout: in training each value is zeroed with probability p and the others are scaled by 1 / (1 - p); in
// prediction nothing happens (Srivastava et al. 2014, JMLR 15). Any shape.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/core/random.hpp>
#include <captcha/kernels/elementwise.hpp>
#include <captcha/layers/identity.hpp>

namespace captcha {

/// The option of Dropout, with PyTorch's default.
struct Drop {
  float probability = 0.5f;
};

/// No parameters. Nothing is stored for backward: the mask is drawn again from the key of the step.
template <Drop Options = Drop{}>
struct Dropout : Identity {
  static_assert(Options.probability >= 0 && Options.probability < 1,
                "captcha: Dropout's probability must be at least 0 and below 1");

  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    mask(S, call, call.x, call.y);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx) mask(S, call, call.dy, call.dx);
  }

 private:
  template <class Call, class T>
  static void mask(Shape shape, const Call& call, const T* in, T* out) {
    const std::size_t size = shape.size() * static_cast<std::size_t>(call.samples);
    if (call.noise.off) return copy(size, in, out, call.workers);
    const T scale = T{1} / (T{1} - static_cast<T>(Options.probability));
    const std::uint64_t seed = call.noise.seed + 0x9E3779B97F4A7C15u * call.noise.layer;
    for_each_stretch(size, call.workers, [&](std::size_t begin, std::size_t end) {
      Random random(seed, Purpose::dropout, call.noise.step, begin);
      for (std::size_t i = begin; i < end; ++i)
        out[i] = random.coin(Options.probability) ? T{0} : in[i] * scale;
    });
  }
};

}  // namespace captcha
