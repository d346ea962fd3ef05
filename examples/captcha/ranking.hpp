// What a network gives for one image, as classes in the order of their probabilities.
#pragma once

#include "glyph_table.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {

/// `probabilities` by class number; `order` lists the numbers, the most probable class first.
struct Ranking {
  explicit Ranking(std::vector<float> by_class) : probabilities(by_class.begin(), by_class.end()) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [this](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  }

  std::vector<double> probabilities;
  std::array<std::size_t, labels.size()> order{};
};

/// The three most probable classes.
inline nlohmann::ordered_json top_json(const Ranking& ranking) {
  nlohmann::ordered_json top = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < 3; ++i)
    top.push_back({{"label", std::string(1, labels[ranking.order[i]])},
                   {"probability", ranking.probabilities[ranking.order[i]]}});
  return top;
}

}  // namespace captcha::app
