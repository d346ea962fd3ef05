// What a network gives for one image, as classes in the order of their probabilities.
#pragma once

#include "glyph_table.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>

namespace captcha::app {

/// `probability` is by class number; `order` lists the numbers, the most probable class first.
struct Ranking {
  explicit Ranking(std::span<const float> by_class) {
    std::copy_n(by_class.begin(), probability.size(), probability.begin());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [this](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
  }
  std::size_t best() const { return order[0]; }
  /// Of the class in that place.
  double at(std::size_t place) const { return static_cast<double>(probability[order[place]]); }

  std::array<float, labels.size()> probability{};
  std::array<std::size_t, labels.size()> order{};
};

inline std::string label_name(std::size_t number) {
  return std::string(1, labels[number]);
}

/// The three most probable classes.
inline nlohmann::ordered_json top_json(const Ranking& ranking) {
  nlohmann::ordered_json top = nlohmann::ordered_json::array();
  for (std::size_t place = 0; place < 3; ++place)
    top.push_back({{"label", label_name(ranking.order[place])}, {"probability", ranking.at(place)}});
  return top;
}

}  // namespace captcha::app
