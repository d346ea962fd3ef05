// The target of a blend of two samples, as mix-up makes it and losses read it.
#pragma once

#include <concepts>

namespace captcha {

/// `weight` of the first target and 1 - `weight` of the second. Cross-entropy becomes
/// weight * L(first) + (1 - weight) * L(second); mean squared error blends the targets.
template <class T>
struct Mixed {
  T first;
  T second;
  float weight = 1.0f;
};

/// The target of a classification: a class number from 0, or a blend of two.
template <class T>
concept ClassTarget = std::same_as<T, int> || std::same_as<T, Mixed<int>>;

}  // namespace captcha
