// Mlp: a multilayer perceptron, linear layers with ReLU between them.
#pragma once

#include <captcha/compose/sequential.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/relu.hpp>

namespace captcha {

template <class Done, int... Widths>
struct MlpLayers;
template <class... Done, int In, int Out>
struct MlpLayers<LayerList<Done...>, In, Out> {
  using type = Sequential<Done..., Linear<In, Out>>;
};
template <class... Done, int In, int Hidden, int... Rest>
requires(sizeof...(Rest) > 0) struct MlpLayers<LayerList<Done...>, In, Hidden, Rest...>
    : MlpLayers<LayerList<Done..., Linear<In, Hidden>, ReLU>, Hidden, Rest...> {
};

/// Mlp<2, 64, 64, 3>: 2 inputs, two hidden layers of 64, 3 outputs. Named 0, 2, 4 … as in nn.Sequential.
template <int... Widths>
struct Mlp : MlpLayers<LayerList<>, Widths...>::type {
  static_assert(sizeof...(Widths) >= 2, "captcha: an Mlp needs at least an input and an output width");
};

}  // namespace captcha
