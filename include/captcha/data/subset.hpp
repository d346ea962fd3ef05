// Some samples of a data set, in some order: subset, take, shuffle.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Error when an index lies outside a data set of that size.
CAPTCHA_INLINE void require_within(std::span<const std::size_t> indices, std::size_t samples);

/// The samples of a data set whose indices are given, in that order; an index may occur more than once.
template <class D>
class Subset : public View<Subset<D>, D> {
 public:
  Subset(std::shared_ptr<const D> data, std::vector<std::size_t> indices)
      : View<Subset, D>(std::move(data)), indices_(std::move(indices)) {
    require_within(indices_, this->data().size());
  }

  std::size_t size() const { return indices_.size(); }
  std::size_t source(std::size_t index) const { return indices_[index]; }

  auto get(std::size_t index, std::span<float> pixels, Random& random) const {
    return fetch(this->data(), source(index), pixels, random);
  }

 private:
  std::vector<std::size_t> indices_;
};

/// The samples with these indices. Throws Error for an index outside the data set.
template <class D>
auto subset(D&& data, std::vector<std::size_t> indices) {
  return Subset(hold(std::forward<D>(data)), std::move(indices));
}

/// The first `count` samples, or all where there are fewer.
template <class D>
auto take(D&& data, std::size_t count) {
  auto held = hold(std::forward<D>(data));
  std::vector<std::size_t> indices(std::min<std::size_t>(count, held->size()));
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return Subset(std::move(held), std::move(indices));
}

/// All samples in an order that depends on the seed alone.
template <class D>
auto shuffle(D&& data, std::uint64_t seed) {
  auto held = hold(std::forward<D>(data));
  std::vector<std::size_t> indices(held->size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  Random(seed, Purpose::shuffle).shuffle(std::span(indices));
  return Subset(std::move(held), std::move(indices));
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void require_within(std::span<const std::size_t> indices, std::size_t samples) {
  for (const std::size_t index : indices)
    if (index >= samples)
      throw Error("subset: index " + std::to_string(index) + " in a data set of " + std::to_string(samples) +
                  " samples");
}
#endif

}  // namespace captcha
