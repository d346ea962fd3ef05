// The loss of a network with several heads: the mean of the heads' losses.
//
//   loss = 1/K * sum over k of each(outputs of head k, targets of head k)
#pragma once

#include <captcha/core/description.hpp>
#include <captcha/core/heads.hpp>
#include <captcha/core/output.hpp>
#include <captcha/loss/cross_entropy.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace captcha {

/// Targets are arrays with one target a head, as `each` takes them: std::array<int, 5> for five heads of
/// cross-entropy, on outputs of 5 x classes. Blends of such arrays are fine too.
template <class L = CrossEntropy>
struct MeanOverHeads {
  L each = L();  ///< the loss of one head, with its options

  /// The mean loss of a batch. `gradient`, unless empty, receives the gradient by the outputs. Error when the
  /// heads cannot share the outputs evenly, and as the loss of a head.
  template <class T, HeadsTarget Target>
  requires std::invocable<const L&, Outputs<const T>, std::span<const HeadTarget<Target>>, Outputs<T>>
  double operator()(Outputs<const T> outputs, std::span<const Target> targets,
                    Outputs<T> gradient = {}) const {
    constexpr auto heads = static_cast<double>(head_count<Target>);
    double sum = 0;
    for_each_head(outputs, targets, [&](std::size_t head, auto own_outputs, auto own_targets) {
      sum += each(own_outputs, own_targets, head_outputs(gradient, head, head_count<Target>));
    });
    for (T& slope : gradient.values) slope /= static_cast<T>(heads);
    return sum / heads;
  }

  void describe(Description& description) const { description.add_part(each); }
};

}  // namespace captcha
