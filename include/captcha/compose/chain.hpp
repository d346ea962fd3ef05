// Chain: layers one after the other.
#pragma once

#include <captcha/compose/chain_plan.hpp>
#include <captcha/compose/fusion.hpp>
#include <captcha/core/layer.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

namespace captcha {

/// The layers of a list in order; see Chain.
template <class List>
struct ChainOf;

template <class... Layers>
struct ChainOf<LayerList<Layers...>> {
  static_assert(sizeof...(Layers) > 0, "captcha: a Chain needs at least one layer; Identity does nothing");
  static_assert((Layer<Layers> && ...), "captcha: every part of a Chain must be a Layer");

  static constexpr std::size_t count = sizeof...(Layers);
  template <std::size_t I>
  using Child = std::tuple_element_t<I, std::tuple<Layers...>>;

  static constexpr bool adds = Adds<Child<count - 1>>;
  static constexpr Reads reads = [] {
    constexpr Reads all[] = {Layers::reads...};
    return Reads{all[0].input, all[count - 1].output};
  }();

  // --- shapes ---
  static constexpr Shape wants(Shape in) {
    // The first layer that refuses decides; only the shape in front of the first can be the caller's to mend.
    constexpr std::array<Shape (*)(Shape), count> wants_of{&Layers::wants...};
    if (wants_of[0](in) != in) return wants_of[0](in);
    const auto at = shapes(in);
    for (std::size_t i = 1; i < count; ++i)
      if (wants_of[i](at[i]) != at[i]) return Shape{};
    return in;
  }
  static constexpr Shape out(Shape in) { return shapes(in)[count]; }
  static constexpr Footprint saved(Shape in) { return plan(in).sizes.saved; }
  static constexpr Footprint scratch(Shape in, Pass pass) {
    constexpr std::array<Footprint (*)(Shape, Pass), count> scratch_of{&Layers::scratch...};
    const ChainPlan<count> p = plan(in);
    Footprint hungriest{};
    for (std::size_t i = 0; i < count; ++i)
      hungriest = either(hungriest, scratch_of[i](p.places[i].shape, pass));
    return followed_by(p.sizes.planes(pass).both(), hungriest);
  }
  static constexpr std::size_t multiply_adds(Shape in) {
    constexpr std::array<std::size_t (*)(Shape), count> cost{&Layers::multiply_adds...};
    const auto at = shapes(in);
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += cost[i](at[i]);
    return total;
  }

  static constexpr Sight sees(Sight before) {
    ((before = Layers::sees(before)), ...);
    return before;
  }

  template <Shape S>
  static constexpr bool check() {
    return check_each<S>(std::make_index_sequence<count>{});
  }
  template <class Visitor>
  static constexpr void walk(Visitor& visitor, Shape in) {
    const auto at = shapes(in);
    for_each_index<count>([&]<std::size_t I>() { captcha::walk<Child<I>>(visitor, at[I]); });
  }

  // --- parameters ---
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    (Layers::describe(slots), ...);
  }

  // --- runs: run_chain, with the plan and the functions of the layers ---
  template <class T>
  static constexpr std::size_t packed(Shape in) {
    return packed_places<T>(in)[count];
  }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    static constexpr auto layers =
        functions<Pack<T>, S>([]<class L, Shape In>() { return &run_pack<L, In, T>; });
    run_chain<T>(planned<S>.places, packed_at<S, T>, layers, call);
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    static constexpr auto layers =
        functions<Infer<T>, S>([]<class L, Shape In>() { return &run_infer<L, In, T>; });
    run_chain<T>(planned<S>.sizes, packed_at<S, T>, layers, call);
  }
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    static constexpr auto layers =
        functions<Forward<T>, S>([]<class L, Shape In>() { return &run_forward<L, In, T>; });
    run_chain<T>(planned<S>.places, planned<S>.sizes, layers, call);
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    static constexpr auto layers =
        functions<Backward<T>, S>([]<class L, Shape In>() { return &run_backward<L, In, T>; });
    run_chain<T>(planned<S>.places, planned<S>.sizes, layers, call);
  }

  // --- export ---
  static std::string onnx(auto& graph, std::string x, Shape in) {
    const auto at = shapes(in);
    for_each_index<count>([&]<std::size_t I>() { x = add_to_onnx<Child<I>>(graph, x, at[I]); });
    return x;
  }

 private:
  // Not for_each_index: its lambda would stand in the way of the message.
  template <Shape S, std::size_t... I>
  static constexpr bool check_each(std::index_sequence<I...>) {
    constexpr auto at = shapes(S);
    return (check_shapes<Child<I>, at[I]>() && ...);
  }

  /// What reaches each layer, and what leaves the last. Apart from the plan: a chain inside another is asked
  /// for its shape alone, or each level would double what the compiler computes.
  static constexpr std::array<Shape, count + 1> shapes(Shape in) {
    constexpr std::array<Shape (*)(Shape), count> out_of{&Layers::out...};
    std::array<Shape, count + 1> at{in};
    for (std::size_t i = 0; i < count; ++i) at[i + 1] = out_of[i](at[i]);
    return at;
  }

  static constexpr ChainPlan<count> plan(Shape in) {
    constexpr std::array<Footprint (*)(Shape), count> saved_of{&Layers::saved...};
    constexpr std::array<Reads, count> reads_of{Layers::reads...};
    constexpr std::array<SlotCounter, count> slots_of{slot_count<Layers>...};
    ChainPlan<count> p;
    auto& places = p.places;
    ChainSizes& sizes = p.sizes;
    const auto at = shapes(in);
    places[0].shape = in;
    for (std::size_t i = 0; i < count; ++i) {
      ChainPlace &here = places[i], &next = places[i + 1];
      here.reads = reads_of[i];
      next.shape = at[i + 1];
      next.slots = {here.slots.parameters + slots_of[i].parameters, here.slots.buffers + slots_of[i].buffers,
                    here.slots.parameter_slots + slots_of[i].parameter_slots};
      here.own = sizes.saved;
      sizes.saved = followed_by(sizes.saved, saved_of[i](here.shape));
      if (i + 1 == count) break;
      const Footprint size{next.shape.size(), 0};
      next.kept = reads_of[i].output || reads_of[i + 1].input;
      sizes.infer.hold(i + 1, size);
      sizes.backward.hold(i + 1, size);
      if (next.kept) {
        next.value = sizes.saved;
        sizes.saved = followed_by(sizes.saved, size);
      } else {
        sizes.forward.hold(i + 1, size);
      }
    }
    return p;
  }

  /// Where each layer's packed weights start, and where the last one's end.
  template <class T>
  static constexpr std::array<std::size_t, count + 1> packed_places(Shape in) {
    constexpr std::array<std::size_t (*)(Shape), count> packed_of{&packed_values<Layers, T>...};
    const auto at = shapes(in);
    std::array<std::size_t, count + 1> starts{};
    for (std::size_t i = 0; i < count; ++i) starts[i + 1] = aligned(starts[i] + packed_of[i](at[i]));
    return starts;
  }

  template <Shape S>
  static constexpr ChainPlan<count> planned = plan(S);
  template <Shape S, class T>
  static constexpr std::array<std::size_t, count + 1> packed_at = packed_places<T>(S);

  /// What `of` gives for each layer and the shape that reaches it.
  template <class Call, Shape S, class Of>
  static constexpr std::array<LayerFunction<Call>, count> functions(Of of) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<LayerFunction<Call>, count>{
          of.template operator()<Child<I>, planned<S>.places[I].shape>()...};
    }
    (std::make_index_sequence<count>{});
  }
};

/// Chain<A, B, C>: C after B after A. Transparent: it adds nothing to the names of parameters. Neighbours for
/// which compose/fusion.hpp has a rule run as one.
template <class... Layers>
struct Chain : ChainOf<typename FuseAll<Layers...>::type> {};

}  // namespace captcha
