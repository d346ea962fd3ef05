// What a network gives for a batch, as losses and metrics read it.
#pragma once

#include <captcha/core/error.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace captcha {

/// The outputs of `samples` samples with `features` values each, stored as [feature][sample].
template <class T>
struct Outputs {
  std::span<T> values;
  std::size_t samples;

  std::size_t features() const { return samples == 0 ? 0 : values.size() / samples; }
  T& operator()(std::size_t feature, std::size_t sample) const { return values[feature * samples + sample]; }
};

/// The class number of a target, checked against the number of classes: Error when it is outside.
inline std::size_t checked_class(int label, std::size_t classes) {
  if (label < 0 || static_cast<std::size_t>(label) >= classes)
    throw Error("target: class " + std::to_string(label) + ", expected 0 to " + std::to_string(classes - 1) +
                "; does the network have as many outputs as the data set has classes?");
  return static_cast<std::size_t>(label);
}

}  // namespace captcha
