// The contract of a layer: a stateless type that says which shapes it takes, what it needs, and how it runs.
#pragma once

#include <captcha/core/call.hpp>
#include <captcha/core/footprint.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/core/slot.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace captcha {

/// The three ways a layer runs.
enum class Pass { infer, forward, backward };

/// What backward reads of the activations around a layer. The planner keeps only what is declared, so a layer
/// that reads more than it says gets a null pointer, not stale numbers.
struct Reads {
  bool input = false;
  bool output = false;
};

/// How much of the input one value can see: that many rows and columns, and how far apart in the input the
/// windows of two neighbours lie.
struct Sight {
  int rows = 1;
  int columns = 1;
  int row_step = 1;
  int column_step = 1;

  /// Seen through one more sliding window.
  constexpr Sight through(int kernel_rows, int kernel_columns, int stride_rows, int stride_columns) const {
    return {rows + (kernel_rows - 1) * row_step, columns + (kernel_columns - 1) * column_step,
            row_step * stride_rows, column_step * stride_columns};
  }
  friend constexpr bool operator==(const Sight&, const Sight&) = default;
};

/// What a layer without parameters, memory or multiply-adds needs not repeat: inherit from it and write
/// `out`, `infer` and `backward`.
struct LayerDefaults {
  static constexpr Reads reads{};
  static constexpr Sight sees(Sight before) { return before; }
  static constexpr Shape wants(Shape in) { return in; }
  static constexpr Footprint saved(Shape) { return {}; }
  static constexpr Footprint scratch(Shape, Pass) { return {}; }
  static constexpr std::size_t multiply_adds(Shape) { return 0; }
  template <class Slots>
  static constexpr void describe(Slots&) {}
};

/// A layer is a type with shape rules (`wants`: the nearest shape it takes, equal to the given one if it
/// takes that; `out`), memory needs (`saved`, `scratch`, `reads`), a description of its parameters, and
/// `infer` and `backward` templates over the input shape. `forward` is optional: without it infer is used.
template <class L>
concept Layer = requires(Shape in, Pass pass, SlotCounter& slots, const Infer<float>& infer,
                         const Backward<float>& backward) {
  { L::reads } -> std::convertible_to<Reads>;
  { L::wants(in) } -> std::same_as<Shape>;
  { L::out(in) } -> std::same_as<Shape>;
  { L::saved(in) } -> std::same_as<Footprint>;
  { L::scratch(in, pass) } -> std::same_as<Footprint>;
  { L::multiply_adds(in) } -> std::same_as<std::size_t>;
  { L::sees(Sight{}) } -> std::same_as<Sight>;
  L::describe(slots);
  { L::template infer<chw(1, 1, 1)>(infer) } -> std::same_as<void>;
  { L::template backward<chw(1, 1, 1)>(backward) } -> std::same_as<void>;
};

/// Layer L takes samples of the shape Gets.
template <class L, Shape Gets>
concept Accepts = (L::wants(Gets) == Gets);

/// Does not compile when a layer Gets another shape than it Wants. The shapes are template arguments, because
/// those are what compilers print.
template <class L, Shape Gets, Shape Wants>
constexpr bool check_shape() {
  static_assert(
      Gets == Wants,
      "captcha: a layer gets a shape that it does not take. Its name stands beside this message, in "
      "check_shape<layer, shape it gets, shape it wants>; {channels, height, width, flat}");
  return true;
}

/// Refuses to compile when the shape that reaches any layer inside L is not one it takes. The message names
/// that layer, the shape it gets and the shape it wants.
template <class L, Shape Gets>
constexpr bool check_shapes() {
  if constexpr (requires { L::template check<Gets>(); })
    return L::template check<Gets>();
  else
    return check_shape<L, Gets, L::wants(Gets)>();
}

/// Visits the layers inside L in order, with the shape that reaches each: visitor.leaf<Leaf>(shape), and
/// enter(name) and leave() around the named ones.
template <class L, class Visitor>
constexpr void walk(Visitor& visitor, Shape in) {
  if constexpr (requires { L::walk(visitor, in); })
    L::walk(visitor, in);
  else
    visitor.template leaf<L>(in);
}

/// A layer that can add something to its output in passing, and rectify it: see Infer.
template <class L>
concept Adds = requires {
  requires L::adds;
};

/// A layer that can keep its weights as T, which need not be what it computes with. Others keep theirs wide.
template <class L, class T>
concept Keeps = std::same_as<T, Widened<T>> || requires(Shape in) {
  L::template packed<T>(in);
};

/// Values that prediction reads in place of a layer's weights: what the layer packs, or a copy of them.
template <class L, class T = float>
constexpr std::size_t packed_values(Shape in) {
  if constexpr (requires { L::template packed<T>(in); })
    return L::template packed<T>(in);
  else if constexpr (requires { L::packed(in); })
    return L::packed(in);
  else
    return slot_count<L>.parameters + slot_count<L>.buffers;
}

/// Writes them. Cold: once for a network, so not worth long code.
template <class L, Shape S, class T>
[[gnu::cold]] void run_pack(const Pack<T>& call) {
  if constexpr (!Keeps<L, T>)
    run_pack<L, S>(call.widened());
  else if constexpr (requires { L::template pack<S>(call); })
    L::template pack<S>(call);
  else
    std::copy_n(call.buffers, slot_count<L>.buffers,
                std::copy_n(call.parameters, slot_count<L>.parameters, call.packed));
}

/// Runs the prediction of L on packed weights. `call.buffers` is set here.
template <class L, Shape S, class T>
void run_infer(const Infer<T>& call) {
  if constexpr (!Keeps<L, T>) {
    run_infer<L, S>(call.widened());
  } else {
    Infer<T> own = call;
    own.buffers = call.parameters + slot_count<L>.parameters;
    L::template infer<S>(own);
  }
}

/// Runs the training-time forward of L, which is infer for a layer that has no other.
template <class L, Shape S, class T>
void run_forward(const Forward<T>& call) {
  if constexpr (requires { L::template forward<S>(call); })
    L::template forward<S>(call);
  else
    L::template infer<S>(
        Infer<T>{call.samples, call.x, call.y, call.parameters, call.buffers, call.scratch, call.workers});
}

/// Runs the backward of L.
template <class L, Shape S, class T>
void run_backward(const Backward<T>& call) {
  L::template backward<S>(call);
}

/// Adds layer L to an ONNX graph (see io/onnx_graph.hpp): `x` is the name of its input, of shape `in`; the
/// name of its output is returned. Does not compile when L does not say which operators it is.
template <class L, class Graph>
std::string add_to_onnx(Graph& graph, const std::string& x, Shape in) {
  constexpr bool has_onnx = requires {
    { L::onnx(graph, x, in) } -> std::same_as<std::string>;
  };
  static_assert(has_onnx,
                "captcha: a layer does not say which ONNX operators it is. Its name stands beside this "
                "message, in add_to_onnx<layer, graph>; give it `static std::string onnx(auto& graph, const "
                "std::string& x, Shape in)`, as docs/export.md shows");
  if constexpr (has_onnx)
    return L::onnx(graph, x, in);
  else
    return x;
}

/// Calls f.template operator()<I>() for I = 0 … Count - 1.
template <std::size_t Count, class F>
constexpr void for_each_index(F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f.template operator()<I>(), ...);
  }
  (std::make_index_sequence<Count>{});
}

}  // namespace captcha
