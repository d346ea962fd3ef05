// How much memory a layer needs, as a value: known to the compiler once the batch size is.
#pragma once

#include <algorithm>
#include <cstddef>

namespace captcha {

/// Regions of the workspace start at multiples of this many values, so that vector loads are aligned.
inline constexpr std::size_t region_alignment = 16;

/// A number of values (float or double): `per_sample` for each sample of a batch plus `per_batch` once.
struct Footprint {
  std::size_t per_sample = 0;
  std::size_t per_batch = 0;

  /// Values needed for a batch of `samples`.
  constexpr std::size_t values(int samples) const {
    return per_sample * static_cast<std::size_t>(samples) + per_batch;
  }
  /// Where a region placed behind this much memory starts; aligned, see `followed_by`.
  constexpr std::size_t offset(int samples) const {
    return values(samples) / region_alignment * region_alignment;
  }
  constexpr bool empty() const { return per_sample == 0 && per_batch == 0; }
  friend constexpr bool operator==(const Footprint&, const Footprint&) = default;
};

/// Two regions side by side. The slack lets the second start at an aligned offset for every batch size:
/// first.followed_by-sums are rounded down by `offset`, and round(a) + b <= round(a + b + alignment).
constexpr Footprint followed_by(Footprint first, Footprint second) {
  if (second.empty()) return first;
  return {first.per_sample + second.per_sample, first.per_batch + second.per_batch + region_alignment};
}

/// The next place at or behind `values` where a region may start.
constexpr std::size_t aligned(std::size_t values) {
  return (values + region_alignment - 1) / region_alignment * region_alignment;
}

/// A region that either may use, one after the other.
constexpr Footprint either(Footprint first, Footprint second) {
  return {std::max(first.per_sample, second.per_sample), std::max(first.per_batch, second.per_batch)};
}

}  // namespace captcha
