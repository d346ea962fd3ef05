// Sums that vectorise and stay accurate: sixteen running sums over each run of values, runs added in double.
#pragma once

#include <array>
#include <cstddef>

namespace captcha {

/// The sum of term(i) for i in [0, count), in T over at most 4096 terms at a time and in double over those.
/// The order of additions is fixed, so the result is the same bits on every run.
template <class T, class Term>
double sum_terms(std::size_t count, Term&& term) {
  constexpr std::size_t lanes = 16;
  constexpr std::size_t stretch = 4096;
  double total = 0;
  for (std::size_t start = 0; start < count; start += stretch) {
    const std::size_t end = count - start < stretch ? count : start + stretch;
    std::array<T, lanes> partial{};
    std::size_t i = start;
    for (; i + lanes <= end; i += lanes)
      for (std::size_t lane = 0; lane < lanes; ++lane) partial[lane] += term(i + lane);
    for (std::size_t lane = 0; i < end; ++i, ++lane) partial[lane] += term(i);
    for (const T value : partial) total += static_cast<double>(value);
  }
  return total;
}

}  // namespace captcha
