// Matrix products in tiles that stay in registers: the one inner loop of all convolutions.
//
//   c[m][n] = start + sum over legs and k of a[m][k] * b[k][n]
//
// b and c have their columns n side by side; a may lie in any way. A leg is a stretch of k along which both
// a and b move by constant steps, so a sum may run over several stretches of memory (the rows under a
// convolution's window, say) without leaving the registers.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/kernels/bfloat16.hpp>
#include <captcha/kernels/registers.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace captcha {

/// Where a stretch of the sum starts in a and in b, counted in values.
struct Leg {
  std::ptrdiff_t a;
  std::ptrdiff_t b;
};

/// What a sum starts from.
enum class Start { zero, bias, memory };

/// A product. b may be kept in another form, B, and is widened where it is read.
template <class T, class B = T>
struct Product {
  int rows;
  int columns;
  int depth;  ///< terms of a leg
  const T* a;
  std::ptrdiff_t a_row = 0;
  const std::ptrdiff_t* a_rows = nullptr;  ///< where each row of a starts, if not every a_row
  std::ptrdiff_t a_step;
  const B* b;
  std::ptrdiff_t b_step;
  std::ptrdiff_t b_block = 0;  ///< set where b has only b_step columns side by side: from those to the next
  T* c;
  std::ptrdiff_t c_row;
  Start start = Start::zero;
  const T* bias = nullptr;  ///< a value a row
  const T* add = nullptr;   ///< added at the end, lying as c does; or null
  const B* then = nullptr;  ///< what is read behind the last leg of b: set where b is weights that are read
                            ///< once and far away, and so fetched ahead of their use
  bool rectify = false;     ///< whether a negative result becomes 0; not-a-number stays
  std::span<const Leg> legs{};

  /// Where a column of b starts.
  constexpr std::ptrdiff_t b_at(int column) const {
    return b_block == 0 ? column : column / b_step * b_block + column % b_step;
  }
};

/// Rows [row, row + M) and columns [column, column + V * L) of a product. Where these are few, the terms are
/// dealt to several sums in turn, because a sum has to wait for its last addition.
template <int M, int V, int L, class T, class B>
[[gnu::always_inline]] inline void multiply_tile(const Product<T, B>& p, int row, int column) {
  using Vector = typename Lanes<T, L>::type;
  using Memory = typename Lanes<T, L>::Memory;
  constexpr int turns = M * V >= 8 ? 1 : 8 / (M * V);
  // Registers that are loaded at once: two where b is widened, one with the columns in even places and one
  // with those in odd ones. Their sums are put in order at the end.
  constexpr int group = std::is_same_v<T, B> || V % 2 != 0 ? 1 : 2;
  T* const c = p.c + row * p.c_row + column;
  Vector sums[std::size_t{turns}][std::size_t{M}][std::size_t{V}]{};
  for (int m = 0; m < M; ++m)
    for (int v = 0; v < V; ++v)
      if (p.start == Start::memory)
        sums[0][m][v] = reinterpret_cast<const Memory*>(c + m * p.c_row + v * L)->values;
      else if (p.start == Start::bias)
        sums[0][m][v] += p.bias[row + m];
  if constexpr (group == 2)
    if (p.start == Start::memory)
      for (int m = 0; m < M; ++m)
        for (int v = 0; v < V; v += 2)
          take_apart(sums[0][m][v], sums[0][m][v + 1], std::make_index_sequence<std::size_t{L}>{});
  // Where each two registers of b start, from the first one's.
  std::ptrdiff_t pairs[std::size_t{(V + 1) / 2}]{};
  for (int v = 2; v < V; v += 2) pairs[v / 2] = p.b_at(column + v * L) - p.b_at(column);
  const auto at = [&](int v) __attribute__((always_inline)) {
    return pairs[v / 2] + v % 2 * L;
  };
  std::ptrdiff_t from[std::size_t{M}];
  for (int m = 0; m < M; ++m) from[m] = p.a_rows ? p.a_rows[row + m] : (row + m) * p.a_row;
  const std::ptrdiff_t a_step = p.a_step, b_step = p.b_step;
  for (std::size_t i = 0; i < p.legs.size(); ++i) {
    const T* a = p.a + p.legs[i].a;
    const B* b = p.b + p.legs[i].b + p.b_at(column);
    int k = 0;
    const auto add_term = [&]<bool Fetch>(int turn, std::ptrdiff_t ahead) __attribute__((always_inline)) {
      for (int v = 0; v < V; v += group) {
        Vector right, odd;
        if constexpr (std::is_same_v<T, B>)
          right = reinterpret_cast<const Memory*>(b + at(v))->values;
        else if constexpr (group == 1)
          widen<L>(b + at(v), right);
        else
          widen<L>(b + at(v), right, odd);
        if constexpr (Fetch) __builtin_prefetch(b + ahead + at(v));
        for (int m = 0; m < M; ++m) sums[turn][m][v] += a[from[m]] * right;
        if constexpr (group == 2)
          for (int m = 0; m < M; ++m) sums[turn][m][v + 1] += a[from[m]] * odd;
      }
      a += a_step;
      b += b_step;
    };
    const auto add_until = [&]<bool Fetch>(int end, std::ptrdiff_t ahead) __attribute__((always_inline)) {
      for (; k + turns <= end; k += turns)
        for (int turn = 0; turn < turns; ++turn) add_term.template operator()<Fetch>(turn, ahead);
    };
    if (V == 1 || !p.then) {
      add_until.template operator()<false>(p.depth, 0);
    } else {
      // What the loads reach 256 registers later: the rest of this leg, then the start of the next.
      constexpr int far = 256 / V;
      const B* const next = (i + 1 < p.legs.size() ? p.b + p.legs[i + 1].b : p.then) + p.b_at(column);
      for (const int end : {p.depth - far, p.depth})
        add_until.template operator()<true>(end, end == p.depth ? next - b : far * b_step);
    }
    for (; k < p.depth; ++k) add_term.template operator()<false>(0, 0);
  }
  for (int m = 0; m < M; ++m)
    for (int v = 0; v < V; ++v)
      for (int turn = 1; turn < turns; ++turn) sums[0][m][v] += sums[turn][m][v];
  if constexpr (group == 2)
    for (int m = 0; m < M; ++m)
      for (int v = 0; v < V; v += 2)
        put_in_order(sums[0][m][v], sums[0][m][v + 1], std::make_index_sequence<std::size_t{L}>{});
  if (p.add)
    for (int m = 0; m < M; ++m)
      for (int v = 0; v < V; ++v)
        sums[0][m][v] +=
            reinterpret_cast<const Memory*>(p.add + (row + m) * p.c_row + column + v * L)->values;
  if (p.rectify)
    for (int m = 0; m < M; ++m)
      for (int v = 0; v < V; ++v) sums[0][m][v] = sums[0][m][v] < T{0} ? Vector{} : sums[0][m][v];
  for (int m = 0; m < M; ++m)
    for (int v = 0; v < V; ++v) reinterpret_cast<Memory*>(c + m * p.c_row + v * L)->values = sums[0][m][v];
}

/// `height` rows of V * L columns, at most M.
template <int M, int V, int L, class T, class B>
[[gnu::always_inline]] inline void multiply_height(const Product<T, B>& p, int row, int column, int height) {
  if constexpr (M > 1)
    if (height < M) return multiply_height<M - 1, V, L>(p, row, column, height);
  multiply_tile<M, V, L>(p, row, column);
}

/// All rows of V * L columns, M at a time and then fewer; of the widest two registers in parts as equal as
/// can be: 21 rows as 7, 7 and 7, for 8, 8, 4 and 1 would take longer.
template <int M, int V, int L, class T, class B>
[[gnu::always_inline]] inline void multiply_rows(const Product<T, B>& p, int row, int column) {
  if constexpr (V == 2 && V * L * sizeof(T) == 128) {
    for (int parts = (p.rows - row + M - 1) / M; parts > 0; --parts) {
      const int height = (p.rows - row + parts - 1) / parts;
      multiply_height<M, V, L>(p, row, column, height);
      row += height;
    }
  } else {
    for (; row + M <= p.rows; row += M) multiply_tile<M, V, L>(p, row, column);
    if constexpr (M > 1)
      if (row < p.rows) multiply_rows<M / 2, V, L>(p, row, column);
  }
}

/// The whole product as a kernel.
template <class T, class B = T>
struct Multiply {
  const Product<T, B>& p;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    constexpr int wide = Bytes / static_cast<int>(sizeof(T));
    constexpr int rows = Bytes == 64 ? 8 : 4;  // with two registers each: half of all, or less
    int column = 0;
    // Weights of few rows are read once, from far away: from several places at a time, for that is faster.
    if constexpr (Bytes == 64)
      if (p.b_block != 0) {
        for (; p.rows <= 2 && column + 8 * wide <= p.columns; column += 8 * wide)
          multiply_rows<2, 8, wide>(p, 0, column);
        for (; p.rows <= 4 && column + 4 * wide <= p.columns; column += 4 * wide)
          multiply_rows<4, 4, wide>(p, 0, column);
      }
    for (; column + 2 * wide <= p.columns; column += 2 * wide) multiply_rows<rows, 2, wide>(p, 0, column);
    for (; column + wide <= p.columns; column += wide) multiply_rows<8, 1, wide>(p, 0, column);
    if constexpr (wide > 4)
      for (; column + 4 <= p.columns; column += 4) multiply_rows<8, 1, 4>(p, 0, column);
    for (; column < p.columns; ++column) multiply_rows<8, 1, 1>(p, 0, column);
  }
};

/// Computes the whole product on the calling thread.
template <class T, class B = T>
void multiply(const Product<T, B>& p) {
  on_registers(Multiply<T, B>{p});
}

/// Collects the legs of a product and computes it: at the end, and before that whenever there are many.
template <class T, class B = T>
class Sum {
 public:
  explicit Sum(const Product<T, B>& product) : product_(product) {}

  void add(Leg leg) {
    if (count_ == legs_.size()) {
      Product<T, B> part = product_;
      part.add = nullptr;
      part.rectify = false;
      compute(part);
      product_.start = Start::memory;
      count_ = 0;
    }
    legs_[count_++] = leg;
  }
  void finish() { compute(product_); }

 private:
  void compute(Product<T, B>& product) {
    product.legs = std::span(legs_).first(count_);
    multiply(product);
  }

  Product<T, B> product_;
  std::array<Leg, 128> legs_;
  std::size_t count_ = 0;
};

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void multiply(const Product<float>&);
CAPTCHA_INSTANTIATE void multiply(const Product<float, BFloat16>&);
#endif

}  // namespace captcha
