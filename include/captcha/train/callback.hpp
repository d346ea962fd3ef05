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

/// No hook of a callback takes something other than TrainingState&, which would never be called. (Hooks that
/// are templates or overloaded cannot be looked at.)
template <class C>
constexpr bool hooks_are_callable() {
  using Plain = std::remove_cvref_t<C>;
  constexpr bool start = !requires {
    &Plain::on_start;
  }
  || requires(C & callback, TrainingState & state) {
    callback.on_start(state);
  };
  constexpr bool epoch_start = !requires {
    &Plain::on_epoch_start;
  }
  || requires(C & callback, TrainingState & state) {
    callback.on_epoch_start(state);
  };
  constexpr bool step = !requires {
    &Plain::on_step;
  }
  || requires(C & callback, TrainingState & state) {
    callback.on_step(state);
  };
  constexpr bool epoch_end = !requires {
    &Plain::on_epoch_end;
  }
  || requires(C & callback, TrainingState & state) {
    callback.on_epoch_end(state);
  };
  constexpr bool end = !requires {
    &Plain::on_end;
  }
  || requires(C & callback, TrainingState & state) {
    callback.on_end(state);
  };
  return start && epoch_start && step && epoch_end && end;
}

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
