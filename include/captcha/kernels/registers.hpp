// Vector registers: values that are computed with side by side, and the choice of the widest registers that
// the machine at hand has.
#pragma once

#include <cmath>
#include <cstddef>
#include <type_traits>

namespace captcha {

/// `Count` values that are computed with at once.
template <class T, int Count>
struct Lanes {
  using type [[gnu::vector_size(Count * sizeof(T))]] = T;
  /// The same in memory, at any address.
  struct [[gnu::packed, gnu::may_alias]] Memory {
    type values;
  };
};
template <class T>
struct Lanes<T, 1> {
  using type = T;
  struct [[gnu::may_alias]] Memory {
    T values;
  };
};

/// Replaces a value, or each of several, by its square root, correct to the last bit. By reference, because a
/// program for any processor cannot pass wide registers. std::sqrt has to set errno for a negative number, so
/// a loop over it takes one value after the other; g++ is therefore given the instruction. clang refuses that
/// here, in a function that is not yet known to be inlined into one for these registers: there the loop
/// stays.
template <class Vector>
[[gnu::always_inline]] inline void take_square_root(Vector& values) {
  if constexpr (std::is_floating_point_v<Vector>) {
    values = std::sqrt(values);
  } else {
    using Value = std::remove_cvref_t<decltype(values[0])>;
#if defined(__x86_64__) && !defined(__clang__)
    static_assert(std::is_same_v<Value, float> || std::is_same_v<Value, double>);
    if constexpr (sizeof(Vector) == 16 && sizeof(Value) == 4)
      asm("sqrtps %1, %0" : "=x"(values) : "x"(values));
    else if constexpr (sizeof(Vector) == 16)
      asm("sqrtpd %1, %0" : "=x"(values) : "x"(values));
    else if constexpr (sizeof(Value) == 4)
      asm("vsqrtps %1, %0" : "=v"(values) : "v"(values));
    else
      asm("vsqrtpd %1, %0" : "=v"(values) : "v"(values));
#else
    for (std::size_t i = 0; i < sizeof(Vector) / sizeof(Value); ++i) values[i] = std::sqrt(values[i]);
#endif
  }
}

// A kernel is a struct with a member template `operator()<Bytes>() const`, always inlined, that computes with
// registers of that many bytes. One copy for each kind of registers; which one runs is decided on the machine
// that it runs on, so that a program compiled for any processor is fast on a good one.
template <class Kernel>
[[gnu::noinline]] void on_plain_registers(const Kernel& kernel) {
  kernel.template operator()<16>();
}
#if defined(__x86_64__)
template <class Kernel>
[[gnu::noinline, gnu::target("avx2,fma")]] void on_avx2_registers(const Kernel& kernel) {
  kernel.template operator()<32>();
}
template <class Kernel>
[[gnu::noinline, gnu::target("avx512f,avx512vl,avx2,fma")]] void on_avx512_registers(const Kernel& kernel) {
  kernel.template operator()<64>();
}
#endif

/// The bytes of this machine's registers: 16, 32 or 64.
inline int register_bytes() {
#if defined(__x86_64__)
  static const int bytes = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") ? 64
                           : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")       ? 32
                                                                                                   : 16;
  return bytes;
#else
  return 16;
#endif
}

/// Runs a kernel on the widest registers of this machine. Where the compiler is told to use those, it makes
/// no other copy.
template <class Kernel>
void on_registers(const Kernel& kernel) {
#if defined(__AVX512F__) && defined(__AVX512VL__)
  on_avx512_registers(kernel);
#elif defined(__x86_64__)
  if (register_bytes() == 64) return on_avx512_registers(kernel);
  if (register_bytes() == 32) return on_avx2_registers(kernel);
  on_plain_registers(kernel);
#else
  on_plain_registers(kernel);
#endif
}

}  // namespace captcha
