// Splits a data set into parts that share no source and have the same mix of classes.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/data/subset.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

struct SplitOptions {
  std::uint64_t seed = 0;
  /// Give every part the same mix of classes. Has an effect where the target is a class number.
  bool stratified = true;
  /// Keep the samples of a group together. Has an effect where the data set knows groups.
  bool grouped = true;
};

/// The part that every sample falls into. `group[i]` and `stratum[i]` are small numbers from 0.
///
/// The groups are dealt out one by one, large ones first, in random order otherwise. Each goes where it
/// brings the counts (of every class, and of all samples) closest to their share in the sense of least
/// squares, so a part is never more than a group or so away from its share.
CAPTCHA_INLINE std::vector<std::size_t> deal(std::span<const double> fractions,
                                             std::span<const std::size_t> group,
                                             std::span<const std::size_t> stratum, std::uint64_t seed);

/// Splits into parts of about the given fractions, which must add up to 1:
/// `auto [train, valid, test] = split(data, {0.8, 0.1, 0.1}, {.seed = 1});`
/// Every sample is in exactly one part, in the order of the data set. Throws Error for bad fractions.
template <class D, std::size_t Parts>
requires Dataset<std::remove_cvref_t<D>>
auto split(D&& data, const double (&fractions)[Parts], SplitOptions options = {}) {
  const auto held = hold(std::forward<D>(data));
  using Data = std::remove_cvref_t<D>;
  const bool valid = std::all_of(fractions, fractions + Parts, [](double f) { return f >= 0.0 && f <= 1.0; });
  const double sum = std::accumulate(fractions, fractions + Parts, 0.0);
  if (!valid || std::abs(sum - 1.0) > 1e-6)
    throw Error("split: the fractions add up to " + std::to_string(sum) +
                "; expected numbers from 0 to 1 that add up to 1");

  const std::size_t samples = held->size();
  std::vector<std::size_t> group(samples), stratum(samples, 0);
  std::iota(group.begin(), group.end(), std::size_t{0});
  if constexpr (HasGroup<Data>) {
    std::map<std::string, std::size_t> numbers;
    for (std::size_t i = 0; options.grouped && i < samples; ++i)
      group[i] = numbers.try_emplace(held->group(i), numbers.size()).first->second;
  }
  if constexpr (std::integral<Target<Data>>) {
    std::map<Target<Data>, std::size_t> numbers;
    for (std::size_t i = 0; options.stratified && i < samples; ++i)
      stratum[i] = numbers.try_emplace(target_of(*held, i), numbers.size()).first->second;
  }

  std::array<std::vector<std::size_t>, Parts> indices;
  const std::vector<std::size_t> part_of = deal(fractions, group, stratum, options.seed);
  for (std::size_t i = 0; i < samples; ++i) indices[part_of[i]].push_back(i);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset<Data>, Parts>{Subset<Data>(held, std::move(indices[I]))...};
  }
  (std::make_index_sequence<Parts>{});
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::vector<std::size_t> deal(std::span<const double> fractions,
                                             std::span<const std::size_t> group,
                                             std::span<const std::size_t> stratum, std::uint64_t seed) {
  const auto count_of = [](std::span<const std::size_t> ids) {
    return ids.empty() ? std::size_t{0} : *std::max_element(ids.begin(), ids.end()) + 1;
  };
  std::vector<std::vector<std::size_t>> members(count_of(group));
  for (std::size_t i = 0; i < group.size(); ++i) members[group[i]].push_back(i);
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random(seed, Purpose::split).shuffle(std::span(order));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return members[a].size() > members[b].size(); });

  // missing[part][stratum]: how many samples the part still lacks of what was dealt; the last entry counts
  // all.
  const std::size_t all = count_of(stratum);
  std::vector<std::vector<double>> missing(fractions.size(), std::vector<double>(all + 1, 0.0));
  std::vector<std::size_t> part_of(group.size());
  for (const std::size_t chosen : order) {
    std::map<std::size_t, double> counts{{all, static_cast<double>(members[chosen].size())}};
    for (const std::size_t sample : members[chosen]) counts[stratum[sample]] += 1.0;
    std::size_t best = 0;
    double best_need = -1e300;
    for (std::size_t part = 0; part < fractions.size(); ++part) {
      double need = 0.0;
      for (const auto& [id, count] : counts) {
        missing[part][id] += fractions[part] * count;
        need += missing[part][id] * count;
      }
      if (fractions[part] > 0.0 && need > best_need) {
        best = part;
        best_need = need;
      }
    }
    for (const auto& [id, count] : counts) missing[best][id] -= count;
    for (const std::size_t sample : members[chosen]) part_of[sample] = best;
  }
  return part_of;
}
#endif

}  // namespace captcha
