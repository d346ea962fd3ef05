// Value-by-value loops, cut into tasks of a fixed size.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>
#include <cstddef>

namespace captcha {

/// Calls f(begin, end) for stretches of [0, count). The stretches depend on `count` alone.
template <class F>
void for_each_stretch(std::size_t count, Workers& workers, F&& f) {
  constexpr std::size_t stretch = std::size_t{1} << 15;
  workers.run(static_cast<int>((count + stretch - 1) / stretch), [&](int task) {
    const std::size_t begin = static_cast<std::size_t>(task) * stretch;
    f(begin, std::min(begin + stretch, count));
  });
}

/// out[i] = f(i) for i in [0, count).
template <class T, class F>
void fill_each(std::size_t count, T* out, Workers& workers, F&& f) {
  for_each_stretch(count, workers, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) out[i] = f(i);
  });
}

/// y[i] = x[i].
template <class T>
[[gnu::noinline]] void copy(std::size_t count, const T* x, T* y, Workers& workers) {
  fill_each(count, y, workers, [x](std::size_t i) { return x[i]; });
}

/// max(value, 0), written so that not-a-number passes through: a broken network must not look healthy.
struct Rectify {
  template <class T>
  T operator()(T value) const {
    return value < T{0} ? T{0} : value;
  }
  /// By the value, given the result.
  template <class T>
  static T gradient(T dy, T y) {
    return y > T{0} ? dy : T{0};
  }
};

/// Leaves a value as it is.
struct Keep {
  template <class T>
  T operator()(T value) const {
    return value;
  }
};

/// y[i] = After(a[i] + b[i]), with Keep or Rectify; y may be a or b.
template <class After = Keep, class T>
[[gnu::noinline]] void add(std::size_t count, const T* a, const T* b, T* y, Workers& workers) {
  fill_each(count, y, workers, [a, b](std::size_t i) { return After{}(a[i] + b[i]); });
}

/// y[i] = max(x[i], 0).
template <class T>
[[gnu::noinline]] void relu_forward(std::size_t count, const T* x, T* y, Workers& workers) {
  fill_each(count, y, workers, [x](std::size_t i) { return Rectify{}(x[i]); });
}

/// dx[i] = dy[i] where the output was positive, else 0.
template <class T>
[[gnu::noinline]] void relu_backward(std::size_t count, const T* y, const T* dy, T* dx, Workers& workers) {
  fill_each(count, dx, workers, [y, dy](std::size_t i) { return Rectify::gradient(dy[i], y[i]); });
}

/// Swaps the outer two axes of [outer][inner][run]: an image [pixel][channel][sample] becomes a vector
/// [channel][pixel][sample], and the other way round.
template <class T>
[[gnu::noinline]] void swap_axes(std::size_t outer, std::size_t inner, std::size_t run, const T* in, T* out,
                                 Workers& workers) {
  workers.run(static_cast<int>(inner), [&](int task) {
    const auto second = static_cast<std::size_t>(task);
    for (std::size_t first = 0; first < outer; ++first)
      std::copy_n(in + (first * inner + second) * run, run, out + (second * outer + first) * run);
  });
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void add<Keep>(std::size_t, const float*, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void add<Rectify>(std::size_t, const float*, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void relu_forward(std::size_t, const float*, float*, Workers&);
CAPTCHA_INSTANTIATE void relu_backward(std::size_t, const float*, const float*, float*, Workers&);
#endif

}  // namespace captcha
