// Parameter groups: which parameters get which learning rate and weight decay, and which are frozen.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/slot.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// Settings for the parameters whose names begin with `prefix` ("layer4", "fc.weight", "" for all). Where
/// several groups match, the last one decides.
struct ParameterGroup {
  std::string prefix;
  float rate = 1;                          ///< factor of the learning rate
  std::optional<float> weight_decay = {};  ///< instead of the optimizer's
  bool frozen = false;                     ///< no gradient, no update; a frozen norm does not drift
};

/// What holds for one slot.
struct SlotSettings {
  float rate = 1;
  float weight_decay = 0;
  bool frozen = false;
};

/// True when `prefix` is the whole name or ends at one of its dots: "layer1" is no prefix of
/// "layer10.weight".
CAPTCHA_INLINE bool covers(std::string_view prefix, std::string_view name);

/// The settings of every parameter slot: `weight_decay`, except 0 for biases and norms unless `decay_all`,
/// changed by the groups. Error when a group's prefix names no parameter: a mistyped one would silently train
/// what was to be frozen.
CAPTCHA_INLINE std::vector<SlotSettings> slot_settings(const std::vector<PlacedSlot>& slots,
                                                       float weight_decay, bool decay_all,
                                                       const std::vector<ParameterGroup>& groups);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool covers(std::string_view prefix, std::string_view name) {
  return prefix.empty() ||
         (name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '.'));
}

CAPTCHA_INLINE std::vector<SlotSettings> slot_settings(const std::vector<PlacedSlot>& slots,
                                                       float weight_decay, bool decay_all,
                                                       const std::vector<ParameterGroup>& groups) {
  for (const ParameterGroup& group : groups)
    if (std::none_of(slots.begin(), slots.end(), [&](const PlacedSlot& placed) {
          return !placed.is_buffer && covers(group.prefix, placed.name);
        }))
      throw Error("parameter group '" + group.prefix + "': no parameter's name begins so; " +
                  (slots.empty() ? "there are none" : "the first one is '" + slots.front().name + "'"));
  std::vector<SlotSettings> all;
  for (const PlacedSlot& placed : slots) {
    if (placed.is_buffer) continue;
    SlotSettings& settings = all.emplace_back();
    settings.weight_decay = decay_all || placed.slot.role == Role::weight ? weight_decay : 0;
    for (const ParameterGroup& group : groups)
      if (covers(group.prefix, placed.name)) {
        settings.rate = group.rate;
        if (group.weight_decay) settings.weight_decay = *group.weight_decay;
        settings.frozen = group.frozen;
      }
  }
  return all;
}
#endif

}  // namespace captcha
