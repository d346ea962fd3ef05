// Fusion: two neighbouring layers replaced by one that does the work of both in a single pass over memory.
//
// A rule is a specialisation of Fuse<First, Second> with a member `type`; Chain applies the rules to its
// layers when it is compiled, so a user's network is fused exactly as ResNet is. The result of a fused pair
// equals that of the two layers apart, but for rounding.
#pragma once

#include <captcha/compose/named.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/relu.hpp>

#include <concepts>
#include <cstddef>
#include <vector>

namespace captcha {

/// No rule: the layers stay apart.
template <class First, class Second>
struct Fuse {};

template <class First, class Second>
concept Fusable = requires {
  typename Fuse<First, Second>::type;
};

/// The second has no parameters, and so needs no name.
template <class First, class Second>
concept FusableUnnamed = Fusable<First, Second> && slot_count<Second>
.parameters == 0;

template <Name Segment, class First, class Second>
requires FusableUnnamed<First, Second>
struct Fuse<Named<Segment, First>, Second> {
  using type = Named<Segment, typename Fuse<First, Second>::type>;
};
template <Name FirstSegment, class First, Name SecondSegment, class Second>
requires FusableUnnamed<First, Second>
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

template <class List>
struct ChainOf;  // chain.hpp

/// A layer whose outputs can be scaled and shifted, each channel by its own numbers, when it is packed.
template <class L>
concept Scalable = requires(const Pack<float>& call, const float* numbers) {
  L::template pack_scaled<chw(1, 1, 1)>(call, numbers, numbers);
};
/// A layer that in prediction only scales and shifts, each channel by its own numbers.
template <class L>
concept Scales = requires(const float* from, float* to) {
  { L::rectifies } -> std::convertible_to<bool>;
  L::as_scale(from, from, to, to);
};

/// Two layers that are two in training and one in prediction: a convolution that has taken the batch norm
/// behind it into its weights.
template <class First, class Second>
struct Scaled : ChainOf<LayerList<First, Second>> {
  using Both = ChainOf<LayerList<First, Second>>;

  static constexpr bool adds = Adds<First> && !Second::rectifies;
  static constexpr Footprint scratch(Shape in, Pass pass) {
    return pass == Pass::infer ? First::scratch(in, pass) : Both::scratch(in, pass);
  }

  template <class T>
  requires Keeps<First, T>
  static constexpr std::size_t packed(Shape in) { return packed_values<First, T>(in); }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    constexpr auto channels = static_cast<std::size_t>(First::out(S).channels);
    std::vector<Widened<T>> numbers(2 * channels);  // scales and shifts
    auto* const scale = numbers.data();
    auto* const shift = scale + channels;
    Second::as_scale(call.parameters + slot_count<First>.parameters, call.buffers + slot_count<First>.buffers,
                     scale, shift);
    First::template pack_scaled<S>(call, std::as_const(scale), std::as_const(shift));
  }
  template <Shape S, class T>
  static void infer(Infer<T> call) {
    call.rectify = call.rectify || Second::rectifies;
    First::template infer<S>(call);
  }
};

template <class First, class Second>
requires Scalable<First> && Adds<First> && Scales<Second>
struct Fuse<First, Second> {
  using type = Scaled<First, Second>;
};

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
