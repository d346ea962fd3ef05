// What a loss is.
#pragma once

#include <captcha/core/output.hpp>
#include <captcha/loss/cross_entropy.hpp>
#include <captcha/loss/mean_over_heads.hpp>
#include <captcha/loss/mean_squared_error.hpp>

#include <concepts>
#include <span>

namespace captcha {

/// A loss maps outputs and targets to the mean loss of the batch and writes the gradient by the outputs. Of
/// its options a run that goes on compares what its `describe` says, if it has one (see
/// core/description.hpp).
template <class L, class Target, class T = float>
concept Loss = requires(const L& loss, Outputs<const T> outputs, std::span<const Target> targets,
                        Outputs<T> gradient) {
  { loss(outputs, targets, gradient) } -> std::convertible_to<double>;
};

}  // namespace captcha
