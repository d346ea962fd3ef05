// Networks with several heads: one input, several predictions, each with a target of its own.
//
// Heads share the outputs of a network evenly: of K x C features, head k has C, from feature k C on.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/mixed.hpp>
#include <captcha/core/output.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// Targets that a sample has: those of an array, or of a blend of two; 0 for what is no array.
template <class Target>
inline constexpr std::size_t head_count = 0;
template <class T, std::size_t Count>
inline constexpr std::size_t head_count<std::array<T, Count>> = Count;
template <class Target>
inline constexpr std::size_t head_count<Mixed<Target>> = head_count<Target>;

/// The target of several heads: an array with one target a head, or a blend of two such.
template <class T>
concept HeadsTarget = (head_count<T> > 0);

/// What one head has to predict.
template <class T, std::size_t Count>
T head_target(const std::array<T, Count>& target, std::size_t head) {
  return target[head];
}
template <class T, std::size_t Count>
Mixed<T> head_target(const Mixed<std::array<T, Count>>& target, std::size_t head) {
  return {target.first[head], target.second[head], target.weight};
}
template <HeadsTarget Target>
using HeadTarget = decltype(head_target(std::declval<const Target&>(), 0));

/// Every head chooses a class.
template <class T>
concept ClassHeadsTarget = HeadsTarget<T> && ClassTarget<HeadTarget<T>>;

/// The outputs of one of `heads` heads. Error when the features cannot be shared evenly.
template <class T>
Outputs<T> head_outputs(Outputs<T> outputs, std::size_t head, std::size_t heads) {
  if (outputs.features() % heads != 0)
    throw Error("heads: the network has " + std::to_string(outputs.features()) + " outputs, which " +
                std::to_string(heads) + " heads cannot share evenly; expected a multiple of " +
                std::to_string(heads));
  const std::size_t own = outputs.values.size() / heads;
  return {outputs.values.subspan(head * own, own), outputs.samples};
}

/// Calls f(head, outputs, targets) for each head, with the outputs and targets of that head. Error as
/// head_outputs.
template <class T, HeadsTarget Target, class F>
void for_each_head(Outputs<const T> outputs, std::span<const Target> targets, F&& f) {
  thread_local std::vector<HeadTarget<Target>> own;  // kept, so that a training step allocates nothing
  for (std::size_t head = 0; head < head_count<Target>; ++head) {
    own.clear();
    for (const Target& target : targets) own.push_back(head_target(target, head));
    f(head, head_outputs(outputs, head, head_count<Target>), std::span<const HeadTarget<Target>>(own));
  }
}

}  // namespace captcha
