// Mean squared error, for regression.
//
//   loss = mean over n, k of (output[n, k] - target[n, k])^2
#pragma once

#include <captcha/core/description.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/mixed.hpp>
#include <captcha/core/output.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace captcha {

/// Values in a target; 0 for what is none of a regression.
template <class Target>
inline constexpr std::size_t target_width = 0;
template <>
inline constexpr std::size_t target_width<float> = 1;
template <std::size_t Count>
inline constexpr std::size_t target_width<std::array<float, Count>> = Count;
template <class Target>
inline constexpr std::size_t target_width<Mixed<Target>> = target_width<Target>;

/// The target of a regression: a float, an array of floats, or a blend of two such.
template <class T>
concept ValueTarget = (target_width<T> > 0);

/// Targets are floats, arrays of floats, or blends of two of them: of those the targets are blended, not the
/// losses, which gives the same gradient.
struct MeanSquaredError {
  /// The mean loss of a batch. `gradient`, unless empty, receives the gradient by the outputs. Error when the
  /// network has not as many outputs as a target has values.
  template <class T, ValueTarget Target>
  double operator()(Outputs<const T> outputs, std::span<const Target> targets,
                    Outputs<T> gradient = {}) const {
    if (outputs.features() != target_width<Target>)
      throw Error("mean squared error: the network has " + std::to_string(outputs.features()) +
                  " outputs, a target has " + std::to_string(target_width<Target>) + " values");
    const double scale = 1.0 / static_cast<double>(outputs.values.size());
    double loss = 0;
    for (std::size_t n = 0; n < targets.size(); ++n)
      for (std::size_t k = 0; k < target_width<Target>; ++k) {
        const double error = static_cast<double>(outputs(k, n)) - value(targets[n], k);
        loss += error * error * scale;
        if (!gradient.values.empty()) gradient(k, n) = static_cast<T>(2 * error * scale);
      }
    return loss;
  }

  void describe(Description& description) const { description.add("loss", "mean squared error"); }

 private:
  static double value(float target, std::size_t) { return static_cast<double>(target); }
  template <std::size_t Count>
  static double value(const std::array<float, Count>& target, std::size_t k) {
    return static_cast<double>(target[k]);
  }
  template <class Target>
  static double value(const Mixed<Target>& target, std::size_t k) {
    const double share = static_cast<double>(target.weight);
    return share * value(target.first, k) + (1 - share) * value(target.second, k);
  }
};

}  // namespace captcha
