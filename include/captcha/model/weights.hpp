// Weights: the values that a network type leaves out, in one block of memory each for parameters and buffers.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/core/random.hpp>
#include <captcha/core/slot.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// Calls f(position in PyTorch's order, position in our memory) for every value of a slot, in any order.
template <class F>
void for_each_value(const Slot& slot, F&& f) {
  if (slot.block == 0) {
    for (std::size_t position = 0; position < slot.size(); ++position) f(position, position);
    return;
  }
  const std::size_t part = slot.extent(0) / static_cast<std::size_t>(slot.groups);
  const std::size_t area = slot.extent(2) * slot.extent(3), each = slot.extent(1) * area;
  const std::size_t block = static_cast<std::size_t>(slot.block);
  // Memory is walked through block by block: a whole cache line at a time on our side, and as many lines as
  // a block has outputs on PyTorch's.
  for (std::size_t first = 0; first < slot.extent(0);) {
    const std::size_t width = std::min(block, part - first % part);
    for (std::size_t b = 0; b < slot.extent(1); ++b)
      for (std::size_t tap = 0; tap < area; ++tap)
        for (std::size_t a = 0; a < width; ++a)
          f((first + a) * each + b * area + tap, first * each + (tap * slot.extent(1) + b) * width + a);
    first += width;
  }
}

/// The values of some network's weights: all that can be done with them without knowing its type.
template <class T>
class WeightValues {
 public:
  std::span<T> parameters() { return parameters_; }
  std::span<const T> parameters() const { return parameters_; }
  std::span<T> buffers() { return buffers_; }
  std::span<const T> buffers() const { return buffers_; }

  /// As many values, all 0: gradients and moments start so.
  WeightValues zeros_like() const { return {*slots_, parameters_.size(), buffers_.size()}; }

  /// Every slot, in state-dict order.
  const std::vector<PlacedSlot>& slots() const { return *slots_; }

  /// The values of a slot as they lie in memory (see Slot).
  std::span<T> values(const PlacedSlot& s) {
    return (s.is_buffer ? buffers() : parameters()).subspan(s.offset, s.slot.size());
  }
  std::span<const T> values(const PlacedSlot& s) const {
    return (s.is_buffer ? buffers() : parameters()).subspan(s.offset, s.slot.size());
  }

  /// A copy of a slot in PyTorch's axis order, as (Out, In, KH, KW) for a convolution.
  std::vector<T> get(const PlacedSlot& s) const;
  /// Sets a slot from values in PyTorch's axis order; Error when their number is wrong.
  template <class U>
  void set(const PlacedSlot& s, std::span<const U> from);

  /// Sets all values as the layers describe. Every slot draws from its own stream, so changing one layer does
  /// not change how the others start.
  void initialise(std::uint64_t seed);

 protected:
  WeightValues(const std::vector<PlacedSlot>& slots, std::size_t parameters, std::size_t buffers)
      : slots_(&slots), parameters_(parameters), buffers_(buffers) {}

 private:
  const std::vector<PlacedSlot>* slots_;
  AlignedVector<T> parameters_;
  AlignedVector<T> buffers_;
};

template <class T>
std::vector<T> WeightValues<T>::get(const PlacedSlot& s) const {
  std::vector<T> copy(s.slot.size());
  const auto from = values(s);
  for_each_value(s.slot, [&](std::size_t torch, std::size_t ours) { copy[torch] = from[ours]; });
  return copy;
}

template <class T>
template <class U>
void WeightValues<T>::set(const PlacedSlot& s, std::span<const U> from) {
  if (from.size() != s.slot.size())
    throw Error("weights: '" + s.name + "' holds " + std::to_string(s.slot.size()) + " values, got " +
                std::to_string(from.size()));
  const auto to = values(s);
  for_each_value(s.slot,
                 [&](std::size_t torch, std::size_t ours) { to[ours] = static_cast<T>(from[torch]); });
}

template <class T>
void WeightValues<T>::initialise(std::uint64_t seed) {
  std::uint64_t index = 0;
  for (const PlacedSlot& placed : slots()) {
    Random random(seed, Purpose::initialise, 0, index++);
    const Initialiser& from = placed.slot.initial;
    const double deviation = std::sqrt(from.variance);
    const double bound = std::sqrt(3 * from.variance);
    std::vector<T> drawn(placed.slot.size());
    for (T& value : drawn) {
      switch (from.kind) {
        case Initialiser::Kind::constant:
          value = static_cast<T>(from.mean);
          break;
        case Initialiser::Kind::normal:
          value = static_cast<T>(deviation * random.normal());
          break;
        case Initialiser::Kind::uniform:
          value = static_cast<T>(bound * (2 * random.uniform() - 1));
          break;
      }
    }
    set(placed, std::span<const T>(drawn));
  }
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE class WeightValues<float>;
CAPTCHA_INSTANTIATE void WeightValues<float>::set(const PlacedSlot&, std::span<const float>);
#endif

/// The slot of that name; Error when there is none.
CAPTCHA_INLINE const PlacedSlot& slot_named(const std::vector<PlacedSlot>& slots, std::string_view name);
#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE const PlacedSlot& slot_named(const std::vector<PlacedSlot>& slots, std::string_view name) {
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.name == name; });
  if (found == slots.end())
    throw Error("weights: no parameter is called '" + std::string(name) + "'; the first one is '" +
                (slots.empty() ? "" : slots.front().name) + "'");
  return *found;
}
#endif

/// The parameters and buffers of network Net. A value: copying it copies the network. Gradients, optimizer
/// moments and averaged weights are Weights too.
template <class Net, class T = float>
class Weights : public WeightValues<T> {
 public:
  /// Initialised as the layers describe.
  explicit Weights(std::uint64_t seed = 0) : Weights(zeros()) { this->initialise(seed); }
  /// All values 0: gradients start so.
  static Weights zeros() { return Weights(Zeros{}); }

  /// Every slot, in state-dict order.
  static const std::vector<PlacedSlot>& slots() { return slots_of<Net>(); }
  /// The slot of that name; Error when there is none.
  static const PlacedSlot& slot(std::string_view name) { return slot_named(slots(), name); }

 private:
  struct Zeros {};
  explicit Weights(Zeros) : WeightValues<T>(slots(), slot_count<Net>.parameters, slot_count<Net>.buffers) {}
};

}  // namespace captcha
