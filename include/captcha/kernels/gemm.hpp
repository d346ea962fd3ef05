// Matrix products: the library's one door to BLAS.
#pragma once

#include <cblas.h>

namespace captcha {

/// Whether a matrix is read as stored or transposed.
enum class Stored { plain, transposed };

/// Row-major matrix with a leading dimension: element (i, j) is data[i * stride + j] as stored.
template <class T>
struct Matrix {
  const T* data;
  int stride;
  Stored stored = Stored::plain;
};

/// Makes BLAS run on the calling thread alone: we split the work ourselves, so that sums do not depend on the
/// number of threads. Done once, before the first product.
inline void use_one_blas_thread() {
  [[maybe_unused]] static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
}

/// c (rows x columns) = a (rows x depth) * b (depth x columns) + beta * c.
inline void gemm(int rows, int columns, int depth, Matrix<float> a, Matrix<float> b, float beta, float* c,
                 int c_stride) {
  use_one_blas_thread();
  cblas_sgemm(CblasRowMajor, a.stored == Stored::plain ? CblasNoTrans : CblasTrans,
              b.stored == Stored::plain ? CblasNoTrans : CblasTrans, rows, columns, depth, 1.0f, a.data,
              a.stride, b.data, b.stride, beta, c, c_stride);
}
inline void gemm(int rows, int columns, int depth, Matrix<double> a, Matrix<double> b, double beta, double* c,
                 int c_stride) {
  use_one_blas_thread();
  cblas_dgemm(CblasRowMajor, a.stored == Stored::plain ? CblasNoTrans : CblasTrans,
              b.stored == Stored::plain ? CblasNoTrans : CblasTrans, rows, columns, depth, 1.0, a.data,
              a.stride, b.data, b.stride, beta, c, c_stride);
}

}  // namespace captcha
