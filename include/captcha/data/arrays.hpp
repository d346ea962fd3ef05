// A data set from arrays in memory.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/image.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// N inputs of shape S and as many targets. An input of floats is passed on as it is, one of 8-bit numbers is
/// divided by 255.
template <Shape S, class Target, class Element = float>
requires(std::same_as<Element, float> || std::same_as<Element, std::uint8_t>) class ArrayDataset {
 public:
  static constexpr Shape shape = S;

  /// `inputs` holds the samples one behind the other, each in (C, H, W) order. Throws Error where the number
  /// of values is not N * S.size() or the class list does not cover the targets.
  ArrayDataset(std::vector<Element> inputs, std::vector<Target> targets,
               std::vector<std::string> classes = {})
      : inputs_(std::move(inputs)), targets_(std::move(targets)), classes_(std::move(classes)) {
    if (inputs_.size() != targets_.size() * S.size())
      throw Error("ArrayDataset: " + std::to_string(inputs_.size()) + " values for " +
                  std::to_string(targets_.size()) + " targets, expected " +
                  std::to_string(targets_.size() * S.size()) + " (" + to_string(S) + " each)");
    if constexpr (std::integral<Target>)
      for (std::size_t i = 0; !classes_.empty() && i < targets_.size(); ++i)
        if (!std::in_range<std::size_t>(targets_[i]) ||
            static_cast<std::size_t>(targets_[i]) >= classes_.size())
          throw Error("ArrayDataset: target " + std::to_string(targets_[i]) + " of sample " +
                      std::to_string(i) + ", expected a class from 0 to " +
                      std::to_string(classes_.size() - 1));
  }

  std::size_t size() const { return targets_.size(); }
  Target get(std::size_t index, std::span<float> pixels) const {
    const auto input = std::span(inputs_).subspan(index * S.size(), S.size());
    if constexpr (std::same_as<Element, float>)
      std::copy(input.begin(), input.end(), pixels.begin());
    else
      to_values(input, pixels);
    return targets_[index];
  }
  Target target(std::size_t index) const { return targets_[index]; }
  /// The class names, or none.
  const std::vector<std::string>& classes() const { return classes_; }

 private:
  std::vector<Element> inputs_;
  std::vector<Target> targets_;
  std::vector<std::string> classes_;
};

}  // namespace captcha
