// The target of a blend of two samples, as mix-up makes it and losses read it.
#pragma once

namespace captcha {

/// `weight` of the first target and 1 - `weight` of the second. A loss L becomes
/// weight * L(first) + (1 - weight) * L(second).
template <class T>
struct Mixed {
  T first;
  T second;
  float weight = 1.0f;
};

}  // namespace captcha
