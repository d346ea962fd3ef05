// Vector registers: values that are computed with side by side, and the choice of the widest registers that
// the machine at hand has.
#pragma once

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
