// Sequential and Repeat: chains whose layers are numbered, as PyTorch's nn.Sequential numbers them.
#pragma once

#include <captcha/compose/chain.hpp>

#include <cstddef>
#include <utility>

namespace captcha {

template <class Numbers, class... Layers>
struct Numbered;
template <std::size_t... I, class... Layers>
struct Numbered<std::index_sequence<I...>, Layers...> {
  using type = Chain<Named<number_name<I>(), Layers>...>;
};

/// Sequential<A, B>: B after A; their parameters are called "0.…" and "1.…".
template <class... Layers>
struct Sequential : Numbered<std::make_index_sequence<sizeof...(Layers)>, Layers...>::type {};

template <class First, std::size_t Count, class Next,
          class Numbers = std::make_index_sequence<(Count > 0 ? Count - 1 : 0)>>
struct Repeated;
template <class First, std::size_t Count, class Next, std::size_t... I>
struct Repeated<First, Count, Next, std::index_sequence<I...>> {
  template <std::size_t>
  using Same = Next;
  using type = Sequential<First, Same<I>...>;
};

/// Repeat<Count, L>: L numbered 0 … Count - 1, each with its own parameters; with `First`, that layer stands
/// in the first place, as a stage of a ResNet needs it.
template <std::size_t Count, class L, class First = L>
struct Repeat : Repeated<First, Count, L>::type {
  static_assert(Count > 0, "captcha: Repeat needs at least one layer");
};

}  // namespace captcha
