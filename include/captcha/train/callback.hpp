// Callbacks: any object with any of the hooks on_start, on_epoch_start, on_step, on_epoch_end, on_end.
#pragma once

#include <captcha/train/state.hpp>

#include <type_traits>

namespace captcha {

/// A callback has at least one hook; each takes TrainingState& or const TrainingState&.
template <class C>
concept Callback = requires(C callback, TrainingState& state) {
  callback.on_start(state);
}
|| requires(C callback, TrainingState& state) {
  callback.on_epoch_start(state);
}
|| requires(C callback, TrainingState& state) {
  callback.on_step(state);
}
|| requires(C callback, TrainingState& state) {
  callback.on_epoch_end(state);
}
|| requires(C callback, TrainingState& state) {
  callback.on_end(state);
};

/// The moments at which callbacks are called.
struct OnStart {
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (requires { callback.on_start(state); }) callback.on_start(state);
  }
};
struct OnEpochStart {
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (requires { callback.on_epoch_start(state); }) callback.on_epoch_start(state);
  }
};
struct OnStep {
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (requires { callback.on_step(state); }) callback.on_step(state);
  }
};
struct OnEpochEnd {
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (requires { callback.on_epoch_end(state); }) callback.on_epoch_end(state);
  }
};
struct OnEnd {
  template <class C>
  static void call(C& callback, TrainingState& state) {
    if constexpr (requires { callback.on_end(state); }) callback.on_end(state);
  }
};

/// Calls one hook of all callbacks that have it.
template <class Hook, class... Callbacks>
void notify(TrainingState& state, Callbacks&... callbacks) {
  (Hook::call(callbacks, state), ...);
}

}  // namespace captcha
