// Counter-based random numbers: what a stream yields depends on its key alone, never on which thread drew
// from it or what was drawn before, so augmentation and dropout repeat exactly for any number of threads and
// after a resume.
//
// Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

namespace captcha {

/// What a stream of random numbers is for; streams of different purposes are independent. A purpose that is
/// no longer in use (`mix`) keeps its place: the numbers of the others would change.
enum class Purpose : std::uint32_t { initialise, shuffle, split, augment, mix, dropout, generate, test };

/// One Philox block: ten rounds over a 128-bit counter with a 64-bit key.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// A stream of random numbers keyed by (seed, purpose, epoch, index). Cheap to make: make one per sample.
/// Models std::uniform_random_bit_generator, but prefer the members: they give the same values everywhere.
class Random {
 public:
  using result_type = std::uint32_t;

  constexpr explicit Random(std::uint64_t seed, Purpose purpose = Purpose::test, std::uint64_t epoch = 0,
                            std::uint64_t index = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, (static_cast<std::uint32_t>(purpose) << 24) ^ static_cast<std::uint32_t>(index >> 32),
                 static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(epoch)} {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xFFFFFFFFu; }

  /// 32 uniform bits.
  constexpr result_type operator()() {
    if (used_ == 4) {
      block_ = philox(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }

  /// Uniform in [0, 1), in steps of 2^-24.
  constexpr float uniform() { return static_cast<float>((*this)() >> 8) * 0x1p-24f; }
  /// Uniform in [low, high), or, by rounding, high.
  constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// Uniform in {0, …, count - 1}; count must be positive. Multiply-shift, bias below 2^-32 * count.
  constexpr std::uint32_t below(std::uint32_t count) {
    return static_cast<std::uint32_t>((std::uint64_t{(*this)()} * count) >> 32);
  }
  /// True with the given probability.
  constexpr bool coin(float probability = 0.5f) { return uniform() < probability; }
  /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958).
  float normal() {
    const double radius = std::sqrt(-2.0 * std::log((static_cast<double>((*this)()) + 1.0) * 0x1p-32));
    const double angle = 2.0 * std::numbers::pi * static_cast<double>((*this)()) * 0x1p-32;
    return static_cast<float>(radius * std::cos(angle));
  }
  /// Puts the items into random order (Fisher and Yates 1938).
  template <class T>
  constexpr void shuffle(std::span<T> items) {
    for (std::size_t left = items.size(); left > 1; --left)
      std::swap(items[left - 1], items[below(static_cast<std::uint32_t>(left))]);
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace captcha
