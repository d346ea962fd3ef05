// Callbacks: any object with any of the hooks on_start, on_epoch_start, on_step, on_epoch_end, on_end.
#pragma once

#include <captcha/train/state.hpp>

#include <functional>
#include <type_traits>

namespace captcha {

// The moments at which callbacks are called. For each: whether a callback C names the hook (templates and
// overloaded functions cannot be looked at), whether it can be called, and the call if so.
struct OnStart {
  template <class C>
  static constexpr bool named = requires {
    &std::remove_cvref_t<C>::on_start;
  };
  template <class C>
  static constexpr bool callable = requires(C& callback, TrainingState& state) {
    callback.on_start(state);
  };
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (callable<C>) callback.on_start(state);
  }
};
struct OnEpochStart {
  template <class C>
  static constexpr bool named = requires {
    &std::remove_cvref_t<C>::on_epoch_start;
  };
  template <class C>
  static constexpr bool callable = requires(C& callback, TrainingState& state) {
    callback.on_epoch_start(state);
  };
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (callable<C>) callback.on_epoch_start(state);
  }
};
struct OnStep {
  template <class C>
  static constexpr bool named = requires {
    &std::remove_cvref_t<C>::on_step;
  };
  template <class C>
  static constexpr bool callable = requires(C& callback, TrainingState& state) {
    callback.on_step(state);
  };
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (callable<C>) callback.on_step(state);
  }
};
struct OnEpochEnd {
  template <class C>
  static constexpr bool named = requires {
    &std::remove_cvref_t<C>::on_epoch_end;
  };
  template <class C>
  static constexpr bool callable = requires(C& callback, TrainingState& state) {
    callback.on_epoch_end(state);
  };
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (callable<C>) callback.on_epoch_end(state);
  }
};
struct OnEnd {
  template <class C>
  static constexpr bool named = requires {
    &std::remove_cvref_t<C>::on_end;
  };
  template <class C>
  static constexpr bool callable = requires(C& callback, TrainingState& state) {
    callback.on_end(state);
  };
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (callable<C>) callback.on_end(state);
  }
};

/// The hooks as a list.
template <class... Hooks>
struct HookList {
  template <class C>
  static constexpr bool any_callable = (Hooks::template callable<C> || ...);
  template <class C>
  static constexpr bool all_named_callable = ((Hooks::template callable<C> ||
                                               !Hooks::template named<C>)&&...);
};
using AllHooks = HookList<OnStart, OnEpochStart, OnStep, OnEpochEnd, OnEnd>;

/// A callback has at least one hook; each takes TrainingState& or const TrainingState&.
template <class C>
concept Callback = AllHooks::any_callable<C>;

/// No hook of a callback takes something other than TrainingState&: it would never be called.
template <class C>
concept CallableHooks = AllHooks::all_named_callable<C>;

/// The hooks of any number of callbacks, which must outlive it, without their types.
struct Hooks {
  std::function<void(TrainingState&)> on_start, on_epoch_start, on_step, on_epoch_end, on_end;
};

/// Each hook calls all callbacks that have it, in order.
template <class... Callbacks>
Hooks hooks_of(Callbacks&... callbacks) {
  const auto all = [&]<class Hook>(Hook) {
    return [&callbacks...]([[maybe_unused]] TrainingState& state) { (Hook::call(callbacks, state), ...); };
  };
  return {all(OnStart{}), all(OnEpochStart{}), all(OnStep{}), all(OnEpochEnd{}), all(OnEnd{})};
}

}  // namespace captcha
