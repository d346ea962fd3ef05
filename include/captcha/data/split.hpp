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
#include <string_view>
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

/// The samples of each part, in ascending order. `groups` names the group of each sample and `classes` its
/// class; either is empty where that does not matter. Error for bad fractions.
///
/// The groups are dealt out one by one, large ones first, in random order otherwise. Each goes where it
/// brings the counts (of every class, and of all samples) closest to their share in the sense of least
/// squares, so a part is never more than a group or so away from its share. Error when the groups are so few
/// that a part stays empty which should have samples.
CAPTCHA_INLINE std::vector<std::vector<std::size_t>> deal(std::size_t samples,
                                                          std::span<const double> fractions,
                                                          std::span<const std::string> groups,
                                                          std::span<const std::int64_t> classes,
                                                          std::uint64_t seed);

/// Splits into parts of about the given fractions, which must add up to 1:
/// `auto [train, valid, test] = split(data, {0.8, 0.1, 0.1}, {.seed = 1});`
/// Every sample is in exactly one part, in the order of the data set. Throws Error as `deal`.
template <class D, std::size_t Parts>
requires Dataset<std::remove_cvref_t<D>>
auto split(D&& data, const double (&fractions)[Parts], SplitOptions options = {}) {
  const auto held = hold(std::forward<D>(data));
  using Data = std::remove_cvref_t<D>;
  const std::size_t samples = held->size();
  std::vector<std::string> groups;
  if constexpr (HasGroup<Data>)
    for (std::size_t i = 0; options.grouped && i < samples; ++i) groups.push_back(held->group(i));
  std::vector<std::int64_t> classes;
  if constexpr (std::integral<Target<Data>>)
    for (std::size_t i = 0; options.stratified && i < samples; ++i)
      classes.push_back(static_cast<std::int64_t>(target_of(*held, i)));

  auto parts = deal(samples, fractions, groups, classes, options.seed);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Subset<Data>, Parts>{Subset<Data>(held, std::move(parts[I]))...};
  }
  (std::make_index_sequence<Parts>{});
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::vector<std::vector<std::size_t>> deal(std::size_t samples,
                                                          std::span<const double> fractions,
                                                          std::span<const std::string> groups,
                                                          std::span<const std::int64_t> classes,
                                                          std::uint64_t seed) {
  double sum = 0;
  bool valid = true;
  for (const double fraction : fractions) {
    valid = valid && fraction >= 0.0 && fraction <= 1.0;
    sum += fraction;
  }
  if (!valid || std::abs(sum - 1.0) > 1e-6)
    throw Error("split: the fractions add up to " + std::to_string(sum) +
                "; expected numbers from 0 to 1 that add up to 1");

  std::vector<std::vector<std::size_t>> members;
  if (groups.empty()) {
    for (std::size_t i = 0; i < samples; ++i) members.push_back({i});
  } else {
    std::map<std::string_view, std::size_t> numbers;
    for (std::size_t i = 0; i < samples; ++i) {
      const std::size_t group = numbers.try_emplace(groups[i], numbers.size()).first->second;
      if (group == members.size()) members.emplace_back();
      members[group].push_back(i);
    }
  }
  std::map<std::int64_t, std::size_t> numbers;
  std::vector<std::size_t> stratum(samples, 0);
  for (std::size_t i = 0; i < classes.size(); ++i)
    stratum[i] = numbers.try_emplace(classes[i], numbers.size()).first->second;

  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random(seed, Purpose::split).shuffle(std::span(order));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return members[a].size() > members[b].size(); });

  // missing[part][stratum]: how many samples the part still lacks of what was dealt; the last entry counts
  // all.
  const std::size_t all = std::max<std::size_t>(numbers.size(), 1);
  std::vector<std::vector<double>> missing(fractions.size(), std::vector<double>(all + 1, 0.0));
  std::vector<std::vector<std::size_t>> parts(fractions.size());
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
    parts[best].insert(parts[best].end(), members[chosen].begin(), members[chosen].end());
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    std::sort(parts[part].begin(), parts[part].end());
    if (!groups.empty() && parts[part].empty() && fractions[part] * static_cast<double>(samples) >= 1.0)
      throw Error("split: part " + std::to_string(part + 1) + " of " + std::to_string(parts.size()) +
                  " stays empty, as the " + std::to_string(samples) + " samples are of " +
                  std::to_string(members.size()) + " groups ('" + groups[0] +
                  "' is one), which stay together; set .grouped = false to split them");
  }
  return parts;
}
#endif

}  // namespace captcha
