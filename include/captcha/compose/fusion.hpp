// Fusion: two neighbouring layers replaced by one that does the work of both in a single pass over memory.
//
// A rule is a specialisation of Fuse<First, Second> with a member `type`; Chain applies the rules to its
// layers when it is compiled, so a user's network is fused exactly as ResNet is. The result of a fused pair
// equals that of the two layers apart.
#pragma once

#include <captcha/compose/named.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/relu.hpp>

namespace captcha {

/// No rule: the layers stay apart.
template <class First, class Second>
struct Fuse {};

/// The first keeps its name, and so do its parameters. The second's name is dropped with the second: a rule
/// is only for layers without parameters behind one that has them.
template <class First, class Second>
concept Fusable = requires {
  typename Fuse<First, Second>::type;
};

template <Name Segment, class First, class Second>
requires Fusable<First, Second>
struct Fuse<Named<Segment, First>, Second> {
  using type = Named<Segment, typename Fuse<First, Second>::type>;
};
template <Name FirstSegment, class First, Name SecondSegment, class Second>
requires Fusable<First, Second>
struct Fuse<Named<FirstSegment, First>, Named<SecondSegment, Second>> {
  using type = Named<FirstSegment, typename Fuse<First, Second>::type>;
};

template <int Channels, Norm Options>
struct Fuse<BatchNorm2d<Channels, Options>, ReLU> {
  using type = BatchNorm2d<Channels, Options, true>;
};

/// A list of layers as a type.
template <class... Layers>
struct LayerList {};

template <class First, class List>
struct FuseFront;
template <class First, class... Rest>
struct FuseFront<First, LayerList<Rest...>> {
  using type = LayerList<First, Rest...>;
};
template <class First, class Second, class... Rest>
requires Fusable<First, Second>
struct FuseFront<First, LayerList<Second, Rest...>> {
  using type = LayerList<typename Fuse<First, Second>::type, Rest...>;
};

/// FuseAll<A, B, C>::type is the list of layers after the rules were applied, from the back to the front.
template <class... Layers>
struct FuseAll {
  using type = LayerList<>;
};
template <class First, class... Rest>
struct FuseAll<First, Rest...> : FuseFront<First, typename FuseAll<Rest...>::type> {};

}  // namespace captcha
