// Named: a layer with a name, which becomes a segment of the names of its parameters.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/core/name.hpp>

#include <string>

namespace captcha {

/// Named<"conv1", Conv2d<…>> is that convolution; its weight is called "conv1.weight".
template <Name Segment, class L>
struct Named : L {
  template <Shape S>
  static constexpr bool check() {
    return check_shapes<L, S>();
  }
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    slots.enter(Segment.view());
    L::describe(slots);
    slots.leave();
  }
  template <class Visitor>
  static constexpr void walk(Visitor& visitor, Shape in) {
    visitor.enter(Segment.view());
    captcha::walk<L>(visitor, in);
    visitor.leave();
  }
  static std::string onnx(auto& graph, const std::string& x, Shape in) {
    graph.enter(Segment.view());
    std::string y = add_to_onnx<L>(graph, x, in);
    graph.leave();
    return y;
  }
};

}  // namespace captcha
