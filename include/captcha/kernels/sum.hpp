// Sums that vectorise and stay accurate: sixteen running sums over each stretch of values, stretches added in
// double. The order of additions is fixed, so the result is the same bits on every run.
#pragma once

#include <captcha/config/compiled.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace captcha {

/// The sum of term(i) over `runs` runs of `run` indices each, which start `pace` apart from 0 on (one channel
/// of a batch): in T over about 4096 terms at a time and in double over those.
template <class T, class Term>
double sum_runs(std::size_t runs, std::size_t pace, std::size_t run, Term&& term) {
  constexpr std::size_t lanes = 16;
  constexpr std::size_t stretch = 4096;
  std::array<T, lanes> partial{};
  std::size_t terms = 0;
  double total = 0;
  const auto flush = [&] {
    for (T& value : partial) {
      total += static_cast<double>(value);
      value = T{0};
    }
    terms = 0;
  };
  for (std::size_t index = 0; index < runs; ++index) {
    const std::size_t last = index * pace + run;
    for (std::size_t i = index * pace; i < last;) {
      const std::size_t end = std::min(i + stretch, last);
      terms += end - i;
      for (; i + lanes <= end; i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) partial[lane] += term(i + lane);
      for (std::size_t lane = 0; i < end; ++i, ++lane) partial[lane] += term(i);
      if (terms >= stretch) flush();
    }
  }
  flush();
  return total;
}

/// The sum of term(i) for i in [0, count).
template <class T, class Term>
double sum_terms(std::size_t count, Term&& term) {
  return sum_runs<T>(1, count, count, term);
}

/// The sum of the squares of `count` values, all in double: squares soon leave the range of a float.
template <class T>
double sum_squares(std::size_t count, const T* values) {
  return sum_terms<double>(count, [values](std::size_t i) {
    const auto value = static_cast<double>(values[i]);
    return value * value;
  });
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE double sum_squares(std::size_t, const float*);
#endif

}  // namespace captcha
