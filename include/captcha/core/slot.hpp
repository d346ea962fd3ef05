// Parameter slots: the one description of a layer's weights, from which counting, naming, initialising,
// saving, loading, decay groups and freezing all follow.
#pragma once

#include <captcha/config/compiled.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// What a slot is to the layer; optimizers leave biases and norms out of weight decay by it.
enum class Role { weight, bias, norm_weight, norm_bias, running_mean, running_var };

/// The distribution a slot starts from; `variance` is unused for a constant, `mean` is 0 for the others.
struct Initialiser {
  enum class Kind { constant, normal, uniform } kind = Kind::constant;
  double mean = 0;
  double variance = 0;
};

constexpr Initialiser constant(double value) {
  return {Initialiser::Kind::constant, value, 0};
}
/// Kaiming normal for a layer followed by ReLU: variance 2 / fan (He et al. 2015, arXiv:1502.01852).
constexpr Initialiser kaiming_normal(int fan) {
  return {Initialiser::Kind::normal, 0, 2.0 / fan};
}
/// Uniform in +-1/sqrt(fan), what PyTorch gives Linear and every bias.
constexpr Initialiser uniform_by_fan(int fan) {
  return {Initialiser::Kind::uniform, 0, 1.0 / (3.0 * fan)};
}

/// One array of parameters or buffers. `extents` are in the axis order of PyTorch's state dict, and so do the
/// values lie in memory unless `block` says otherwise: then as [group][block][axis 2][axis 3][axis 1][axis 0
/// within the block], axis 0 being cut into `groups` equal parts and those into blocks of at most `block`.
struct Slot {
  std::string_view name;
  std::array<int, 4> extents{};
  int rank = 1;
  Role role = Role::weight;
  Initialiser initial;
  int block = 0;
  int groups = 1;

  /// The length of an axis; 1 for those beyond the rank.
  constexpr std::size_t extent(std::size_t axis) const {
    return axis < static_cast<std::size_t>(rank) ? static_cast<std::size_t>(extents[axis]) : 1;
  }
  constexpr std::size_t size() const { return extent(0) * extent(1) * extent(2) * extent(3); }
};

/// Counts what a layer describes. Parameters are trained; buffers (running statistics) are only updated.
struct SlotCounter {
  std::size_t parameters = 0;       ///< values in all parameter slots
  std::size_t buffers = 0;          ///< values in all buffer slots
  std::size_t parameter_slots = 0;  ///< arrays that are trained

  constexpr void parameter(const Slot& slot) {
    parameters += slot.size();
    ++parameter_slots;
  }
  constexpr void buffer(const Slot& slot) { buffers += slot.size(); }
  constexpr void enter(std::string_view) {}
  constexpr void leave() {}
};

/// What layer L describes, counted by the compiler.
template <class L>
inline constexpr SlotCounter slot_count = [] {
  SlotCounter counter;
  L::describe(counter);
  return counter;
}();

/// Trainable values of layer or network L.
template <class L>
inline constexpr std::size_t parameter_count = slot_count<L>.parameters;

/// A slot with its full name and its place in a network's memory.
struct PlacedSlot {
  Slot slot;               ///< slot.name is the last segment of `name`
  std::string name;        ///< "layer1.0.conv1.weight"
  std::size_t offset = 0;  ///< first value, among the parameters or among the buffers
  bool is_buffer = false;
};

/// Collects the slots of a network in the order of PyTorch's state dict.
class SlotTable {
 public:
  void parameter(const Slot& slot) { add(slot, parameters_, false); }
  void buffer(const Slot& slot) { add(slot, buffers_, true); }
  void enter(std::string_view segment);
  void leave();
  std::vector<PlacedSlot> slots;

 private:
  void add(const Slot& slot, std::size_t& used, bool is_buffer);

  std::string path_;
  std::vector<std::size_t> lengths_;
  std::size_t parameters_ = 0;
  std::size_t buffers_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void SlotTable::enter(std::string_view segment) {
  lengths_.push_back(path_.size());
  path_.append(segment).push_back('.');
}
CAPTCHA_INLINE void SlotTable::leave() {
  path_.resize(lengths_.back());
  lengths_.pop_back();
}
CAPTCHA_INLINE void SlotTable::add(const Slot& slot, std::size_t& used, bool is_buffer) {
  slots.push_back({slot, path_ + std::string(slot.name), used, is_buffer});
  used += slot.size();
}
#endif

/// Every slot of network L: parameters and buffers, in state-dict order.
template <class L>
const std::vector<PlacedSlot>& slots_of() {
  static const std::vector<PlacedSlot> table = [] {
    SlotTable collected;
    L::describe(collected);
    return std::move(collected.slots);
  }();
  return table;
}

}  // namespace captcha
