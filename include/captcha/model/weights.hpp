// Weights: the values that a network type leaves out, in one block of memory each for parameters and buffers.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/core/random.hpp>
#include <captcha/core/slot.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
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

/// The parameters and buffers of network Net. A value: copying it copies the network. Gradients, optimizer
/// moments and averaged weights are Weights too.
template <class Net, class T = float>
class Weights {
 public:
  /// Initialised as the layers describe. Every slot draws from its own stream, so changing one layer does not
  /// change how the others start.
  explicit Weights(std::uint64_t seed = 0) : Weights(zeros()) {
    std::uint64_t index = 0;
    for (const PlacedSlot& placed : slots())
      initialise(placed, Random(seed, Purpose::initialise, 0, index++));
  }
  /// All values 0: gradients start so.
  static Weights zeros() { return Weights(Zeros{}); }

  /// Every slot, in state-dict order.
  static const std::vector<PlacedSlot>& slots() { return slots_of<Net>(); }
  /// The slot of that name; Error when there is none.
  static const PlacedSlot& slot(std::string_view name) {
    const auto found =
        std::find_if(slots().begin(), slots().end(), [&](const auto& s) { return s.name == name; });
    if (found == slots().end())
      throw Error("weights: no parameter is called '" + std::string(name) + "'; the first one is '" +
                  (slots().empty() ? "" : slots().front().name) + "'");
    return *found;
  }

  std::span<T> parameters() { return parameters_; }
  std::span<const T> parameters() const { return parameters_; }
  std::span<T> buffers() { return buffers_; }
  std::span<const T> buffers() const { return buffers_; }

  /// The values of a slot as they lie in memory (see Slot).
  std::span<T> values(const PlacedSlot& s) { return block(s.is_buffer).subspan(s.offset, s.slot.size()); }
  std::span<const T> values(const PlacedSlot& s) const {
    return std::span<const T>(s.is_buffer ? buffers_ : parameters_).subspan(s.offset, s.slot.size());
  }

  /// A copy of a slot in PyTorch's axis order, as (Out, In, KH, KW) for a convolution.
  std::vector<T> get(const PlacedSlot& s) const {
    std::vector<T> copy(s.slot.size());
    const auto from = values(s);
    for_each_value(s.slot, [&](std::size_t torch, std::size_t ours) { copy[torch] = from[ours]; });
    return copy;
  }
  /// Sets a slot from values in PyTorch's axis order; Error when their number is wrong.
  template <class U>
  void set(const PlacedSlot& s, std::span<const U> from) {
    if (from.size() != s.slot.size())
      throw Error("weights: '" + s.name + "' holds " + std::to_string(s.slot.size()) + " values, got " +
                  std::to_string(from.size()));
    const auto to = values(s);
    for_each_value(s.slot,
                   [&](std::size_t torch, std::size_t ours) { to[ours] = static_cast<T>(from[torch]); });
  }

 private:
  struct Zeros {};
  explicit Weights(Zeros) : parameters_(slot_count<Net>.parameters), buffers_(slot_count<Net>.buffers) {}

  std::span<T> block(bool is_buffer) { return is_buffer ? buffers_ : parameters_; }

  void initialise(const PlacedSlot& placed, Random random) {
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

  AlignedVector<T> parameters_;
  AlignedVector<T> buffers_;
};

}  // namespace captcha
