// Products of a matrix of weights (outputs x inputs) with a batch of vectors, [feature][sample].
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/gemm.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/tile.hpp>
#include <captcha/kernels/workers.hpp>

#include <cstddef>

namespace captcha {

/// A product y = weights * x, with y of `outputs` and x of `inputs` features.
struct LinearGeometry {
  int samples, inputs, outputs;
};

/// Calls f(begin, end) for blocks of features.
template <class F>
void for_each_block(int features, Workers& workers, F&& f) {
  const int blocks = (features + 127) / 128;
  workers.run(blocks, [&](int task) {
    const Slice slice = slice_of(features, task, blocks);
    f(slice.begin, slice.end);
  });
}

/// y = weights * x + bias, which may be null. Without BLAS: a program that only predicts need not link it.
template <class T>
void linear_infer(const LinearGeometry& g, const T* x, const T* weights, const T* bias, T* y,
                  Workers& workers) {
  for_each_block(g.outputs, workers, [&](int begin, int end) {
    Sum<T> sum({.rows = end - begin,
                .columns = g.samples,
                .depth = g.inputs,
                .a = weights + std::ptrdiff_t{begin} * g.inputs,
                .a_row = g.inputs,
                .a_step = 1,
                .b = x,
                .b_step = g.samples,
                .c = y + std::ptrdiff_t{begin} * g.samples,
                .c_row = g.samples,
                .start = bias ? Start::bias : Start::zero,
                .bias = bias ? bias + begin : nullptr});
    sum.add({0, 0});
    sum.finish();
  });
}

/// gradient += dy * x transposed.
template <class T>
void linear_backward_weight(const LinearGeometry& g, const T* x, const T* dy, T* gradient, Workers& workers) {
  for_each_block(g.outputs, workers, [&](int begin, int end) {
    gemm(end - begin, g.inputs, g.samples, Matrix<T>{dy + std::ptrdiff_t{begin} * g.samples, g.samples},
         Matrix<T>{x, g.samples, Stored::transposed}, T{1}, gradient + std::ptrdiff_t{begin} * g.inputs,
         g.inputs);
  });
}

/// gradient[o] += the sum of dy[o] over the samples.
template <class T>
void linear_backward_bias(const LinearGeometry& g, const T* dy, T* gradient) {
  for (int o = 0; o < g.outputs; ++o, dy += g.samples)
    gradient[o] += static_cast<T>(
        sum_terms<T>(static_cast<std::size_t>(g.samples), [dy](std::size_t i) { return dy[i]; }));
}

/// dx = weights transposed * dy.
template <class T>
void linear_backward_input(const LinearGeometry& g, const T* dy, const T* weights, T* dx, Workers& workers) {
  for_each_block(g.inputs, workers, [&](int begin, int end) {
    gemm(end - begin, g.samples, g.outputs, Matrix<T>{weights + begin, g.inputs, Stored::transposed},
         Matrix<T>{dy, g.samples}, T{0}, dx + std::ptrdiff_t{begin} * g.samples, g.samples);
  });
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void linear_infer(const LinearGeometry&, const float*, const float*, const float*, float*,
                                      Workers&);
CAPTCHA_INSTANTIATE void linear_backward_weight(const LinearGeometry&, const float*, const float*, float*,
                                                Workers&);
CAPTCHA_INSTANTIATE void linear_backward_bias(const LinearGeometry&, const float*, float*);
CAPTCHA_INSTANTIATE void linear_backward_input(const LinearGeometry&, const float*, const float*, float*,
                                               Workers&);
#endif

}  // namespace captcha
