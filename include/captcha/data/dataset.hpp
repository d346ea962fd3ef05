// What a data set is, and what it may know beyond that.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace captcha {

/// Writes an input the same way every time.
template <class D>
concept FixedGet = requires(const D& data, std::size_t index, std::span<float> pixels) {
  { data.get(index, pixels) } -> std::copyable;
};

/// Writes an input that also depends on random numbers.
template <class D>
concept RandomGet = requires(const D& data, std::size_t index, std::span<float> pixels, Random& random) {
  { data.get(index, pixels, random) } -> std::copyable;
};

/// A data set is a numbered collection of inputs of one shape, each with a target.
///
/// `get(index, pixels)`, or `get(index, pixels, random)`, writes input number `index` into `pixels`
/// (shape.size() values in (C, H, W) order) and returns its target: a class number, a float, a
/// std::array of either, anything copyable. Several threads may call it at once.
template <class D>
concept Dataset = (FixedGet<D> || RandomGet<D>)&&requires(const D& data) {
  requires std::same_as<std::remove_cvref_t<decltype(D::shape)>, Shape>;
  requires std::bool_constant<(D::shape.size() > 0)>::value;
  { data.size() } -> std::convertible_to<std::size_t>;
};

/// Writes input number `index` into `pixels` and returns its target, by whichever get the data set has.
template <Dataset D>
auto fetch(const D& data, std::size_t index, std::span<float> pixels, Random& random) {
  if constexpr (RandomGet<D>)
    return data.get(index, pixels, random);
  else
    return data.get(index, pixels);
}

/// What `get` of a data set returns.
template <Dataset D>
using Target = decltype(fetch(std::declval<const D&>(), 0, {}, std::declval<Random&>()));

/// Knows the target of a sample without making its input.
template <class D>
concept HasTarget = Dataset<D> && requires(const D& data, std::size_t index) {
  { data.target(index) } -> std::same_as<Target<D>>;
};

/// Knows the names of its classes, in the order of the class numbers.
template <class D>
concept HasClasses = Dataset<D> && requires(const D& data) {
  { data.classes() } -> std::convertible_to<std::vector<std::string>>;
};

/// Knows what a sample is called (a file, a record), for messages.
template <class D>
concept HasName = Dataset<D> && requires(const D& data, std::size_t index) {
  { data.name(index) } -> std::convertible_to<std::string>;
};

/// Knows which source a sample comes from; samples of one source must not be on both sides of a split.
template <class D>
concept HasGroup = Dataset<D> && requires(const D& data, std::size_t index) {
  { data.group(index) } -> std::convertible_to<std::string>;
};

/// The name of a sample, or "sample 17" where the data set gives none.
template <Dataset D>
std::string name_of(const D& data, std::size_t index) {
  if constexpr (HasName<D>)
    return data.name(index);
  else
    return "sample " + std::to_string(index);
}

/// A buffer of `size` values that belongs to the calling thread and to `Tag`, kept from call to call so that
/// no call allocates twice. Its contents are whatever the last user left there.
template <class Tag>
std::span<float> thread_buffer(std::size_t size) {
  thread_local std::vector<float> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return std::span(buffer).first(size);
}

/// Marks the buffer of target_of.
template <class D>
struct DiscardedInput;

/// The target of a sample; makes the input only where the data set has no cheaper way.
template <Dataset D>
Target<D> target_of(const D& data, std::size_t index) {
  if constexpr (HasTarget<D>) {
    return data.target(index);
  } else {
    Random random(0);
    return fetch(data, index, thread_buffer<DiscardedInput<D>>(D::shape.size()), random);
  }
}

}  // namespace captcha
