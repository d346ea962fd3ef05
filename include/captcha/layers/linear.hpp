// Linear: every output is a weighted sum of every input.
//
//   y[n, o] = bias[o] + sum over i of weight[o, i] * x[n, i]
//
// Input (N, In), output (N, Out).
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/gemm.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/tile.hpp>
#include <captcha/kernels/workers.hpp>

#include <algorithm>

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
  /// Without BLAS: a program that only predicts need not link it.
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    each_block(Out, call.workers, [&](int begin, int end) {
      Sum<T> sum({.rows = end - begin,
                  .columns = call.samples,
                  .depth = In,
                  .a = call.parameters + std::ptrdiff_t{begin} * In,
                  .a_row = In,
                  .a_step = 1,
                  .b = call.x,
                  .b_step = call.samples,
                  .c = call.y + std::ptrdiff_t{begin} * call.samples,
                  .c_row = call.samples,
                  .start = Bias ? Start::bias : Start::zero,
                  .bias = Bias ? call.parameters + weight_size + begin : nullptr});
      sum.add({0, 0});
      sum.finish();
    });
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    const auto samples = static_cast<std::size_t>(call.samples);
    if (!call.frozen[0])
      each_block(Out, call.workers, [&](int begin, int end) {
        gemm(end - begin, In, call.samples,
             Matrix<T>{call.dy + static_cast<std::size_t>(begin) * samples, call.samples},
             Matrix<T>{call.x, call.samples, Stored::transposed}, T{1},
             call.gradients + static_cast<std::size_t>(begin) * std::size_t{In}, In);
      });
    if constexpr (Bias)
      if (!call.frozen[1])
        for (int o = 0; o < Out; ++o) {
          const T* dy = call.dy + static_cast<std::size_t>(o) * samples;
          call.gradients[weight_size + static_cast<std::size_t>(o)] +=
              static_cast<T>(sum_terms<T>(samples, [dy](std::size_t i) { return dy[i]; }));
        }
    if (call.dx)
      each_block(In, call.workers, [&](int begin, int end) {
        gemm(end - begin, call.samples, Out, Matrix<T>{call.parameters + begin, In, Stored::transposed},
             Matrix<T>{call.dy, call.samples}, T{0}, call.dx + static_cast<std::size_t>(begin) * samples,
             call.samples);
      });
  }

 private:
  template <class F>
  static void each_block(int features, Workers& workers, F&& f) {
    const int blocks = (features + 127) / 128;
    workers.run(blocks, [&](int task) {
      const Slice slice = slice_of(features, task, blocks);
      f(slice.begin, slice.end);
    });
  }
};

}  // namespace captcha
