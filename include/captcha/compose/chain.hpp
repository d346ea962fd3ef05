// Chain: layers one after the other, and the plan of the memory between them.
#pragma once

#include <captcha/compose/fusion.hpp>
#include <captcha/core/layer.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

namespace captcha {

/// What a chain of Count layers needs for one input shape; made by the compiler. Boundary i lies in front of
/// layer i, boundary Count behind the last; the first and the last belong to the caller.
template <std::size_t Count>
struct ChainPlan {
  std::array<Shape, Count + 1> shapes{};        ///< shape at each boundary
  std::array<bool, Count + 1> kept{};           ///< whether backward reads what lies at a boundary
  std::array<Footprint, Count + 1> boundary{};  ///< where in `saved` a kept boundary starts
  std::array<Footprint, Count + 1> own{};       ///< where in `saved` a layer's own region starts
  std::array<SlotCounter, Count + 1>
      slots{};              ///< parameter values, buffer values and slots in front of a layer
  Footprint saved{};        ///< everything backward must find
  Footprint infer_plane{};  ///< one of the two planes that unkept boundaries alternate between
  Footprint forward_plane{};
  Footprint backward_plane{};

  constexpr Footprint plane(Pass pass) const {
    return pass == Pass::infer ? infer_plane : pass == Pass::forward ? forward_plane : backward_plane;
  }
};

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
    const auto shapes = plan(in).shapes;
    if (wants_of[0](in) != in) return wants_of[0](in);
    for (std::size_t i = 1; i < count; ++i)
      if (wants_of[i](shapes[i]) != shapes[i]) return Shape{};
    return in;
  }
  static constexpr Shape out(Shape in) { return plan(in).shapes[count]; }
  static constexpr Footprint saved(Shape in) { return plan(in).saved; }
  static constexpr Footprint scratch(Shape in, Pass pass) {
    constexpr std::array<Footprint (*)(Shape, Pass), count> scratch_of{&Layers::scratch...};
    const ChainPlan<count> p = plan(in);
    Footprint hungriest{};
    for (std::size_t i = 0; i < count; ++i) hungriest = either(hungriest, scratch_of[i](p.shapes[i], pass));
    return followed_by(planes(p, pass), hungriest);
  }
  static constexpr std::size_t multiply_adds(Shape in) {
    constexpr std::array<std::size_t (*)(Shape), count> cost{&Layers::multiply_adds...};
    const auto shapes = plan(in).shapes;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += cost[i](shapes[i]);
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
    const auto shapes = plan(in).shapes;
    for_each_index<count>([&]<std::size_t I>() { captcha::walk<Child<I>>(visitor, shapes[I]); });
  }

  // --- parameters ---
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    (Layers::describe(slots), ...);
  }

  // --- pack ---
  static constexpr std::size_t packed(Shape in) { return packed_places(in)[count]; }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    // g++ 12 calls unused what only constant expressions use.
    [[maybe_unused]] static constexpr ChainPlan<count> p = plan(S);
    [[maybe_unused]] static constexpr auto places = packed_places(S);
    for_each_index<count>([&]<std::size_t I>() {
      run_pack<Child<I>, p.shapes[I]>(Pack<T>{call.parameters + p.slots[I].parameters,
                                              call.buffers + p.slots[I].buffers, call.packed + places[I],
                                              call.workers});
    });
  }

  // --- infer ---
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    static constexpr ChainPlan<count> p = plan(S);
    [[maybe_unused]] static constexpr auto places = packed_places(S);
    static constexpr Footprint outer = planes(p, Pass::infer);
    T* const inner = call.scratch + outer.offset(call.samples);
    const auto at = [&](std::size_t boundary) {
      return plane<Pass::infer>(p, call.scratch, boundary, call.samples);
    };
    for_each_index<count>([&]<std::size_t I>() {
      constexpr bool last = I + 1 == count;
      run_infer<Child<I>, p.shapes[I]>(Infer<T>{
          call.samples, I == 0 ? call.x : at(I), last ? call.y : at(I + 1), call.parameters + places[I],
          nullptr, inner, call.workers, last ? call.add : nullptr, last && call.rectify});
    });
  }

  // --- forward ---
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    static constexpr ChainPlan<count> p = plan(S);
    static constexpr Footprint outer = planes(p, Pass::forward);
    T* const inner = call.scratch + outer.offset(call.samples);
    const auto at = [&](std::size_t boundary) {
      return p.kept[boundary] ? call.saved + p.boundary[boundary].offset(call.samples)
                              : plane<Pass::forward>(p, call.scratch, boundary, call.samples);
    };
    for_each_index<count>([&]<std::size_t I>() {
      run_forward<Child<I>, p.shapes[I]>(
          Forward<T>{call.samples, I == 0 ? call.x : at(I), I + 1 == count ? call.y : at(I + 1),
                     call.parameters + p.slots[I].parameters, call.buffers + p.slots[I].buffers,
                     call.saved + p.own[I].offset(call.samples), inner,
                     call.frozen + p.slots[I].parameter_slots, call.noise.child(I), call.workers});
    });
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    static constexpr ChainPlan<count> p = plan(S);
    static constexpr Footprint outer = planes(p, Pass::backward);
    T* const inner = call.scratch + outer.offset(call.samples);
    const std::size_t last_wanted = first_trained(p, call);
    for_each_index<count>([&]<std::size_t Reversed>() {
      constexpr std::size_t I = count - 1 - Reversed;
      if (I < last_wanted) return;
      const auto gradient = [&](std::size_t boundary) {
        return plane<Pass::backward>(p, call.scratch, boundary, call.samples);
      };
      const auto value = [&](bool wanted, std::size_t boundary) -> const T* {
        if (!wanted) return nullptr;
        return boundary == 0       ? call.x
               : boundary == count ? call.y
                                   : call.saved + p.boundary[boundary].offset(call.samples);
      };
      T* const dx = I == 0 ? call.dx : I == last_wanted && !call.dx ? nullptr : gradient(I);
      Child<I>::template backward<p.shapes[I]>(
          Backward<T>{call.samples, value(Child<I>::reads.input, I), value(Child<I>::reads.output, I + 1),
                      I + 1 == count ? call.dy : gradient(I + 1), dx, call.parameters + p.slots[I].parameters,
                      call.buffers + p.slots[I].buffers, call.gradients + p.slots[I].parameters,
                      call.saved + p.own[I].offset(call.samples), inner,
                      call.frozen + p.slots[I].parameter_slots, call.noise.child(I), call.workers});
    });
  }

 private:
  // Not for_each_index: its lambda would stand in the way of the message.
  template <Shape S, std::size_t... I>
  static constexpr bool check_each(std::index_sequence<I...>) {
    return (check_shapes<Child<I>, plan(S).shapes[I]>() && ...);
  }

  static constexpr ChainPlan<count> plan(Shape in) {
    constexpr std::array<Shape (*)(Shape), count> out_of{&Layers::out...};
    constexpr std::array<Footprint (*)(Shape), count> saved_of{&Layers::saved...};
    constexpr std::array<Reads, count> reads_of{Layers::reads...};
    constexpr std::array<SlotCounter, count> slots_of{slot_count<Layers>...};
    ChainPlan<count> p;
    p.shapes[0] = in;
    for (std::size_t i = 0; i < count; ++i) {
      p.shapes[i + 1] = out_of[i](p.shapes[i]);
      p.slots[i + 1] = {p.slots[i].parameters + slots_of[i].parameters,
                        p.slots[i].buffers + slots_of[i].buffers,
                        p.slots[i].parameter_slots + slots_of[i].parameter_slots};
      p.own[i] = p.saved;
      p.saved = followed_by(p.saved, saved_of[i](p.shapes[i]));
      if (i + 1 == count) break;
      const Footprint size{p.shapes[i + 1].size(), 0};
      p.kept[i + 1] = reads_of[i].output || reads_of[i + 1].input;
      p.infer_plane = either(p.infer_plane, size);
      p.backward_plane = either(p.backward_plane, size);
      if (p.kept[i + 1]) {
        p.boundary[i + 1] = p.saved;
        p.saved = followed_by(p.saved, size);
      } else {
        p.forward_plane = either(p.forward_plane, size);
      }
    }
    return p;
  }

  /// Where each layer's packed weights start, and where the last one's end.
  static constexpr std::array<std::size_t, count + 1> packed_places(Shape in) {
    constexpr std::array<std::size_t (*)(Shape), count> packed_of{&packed_values<Layers>...};
    const auto shapes = plan(in).shapes;
    std::array<std::size_t, count + 1> places{};
    for (std::size_t i = 0; i < count; ++i) places[i + 1] = aligned(places[i] + packed_of[i](shapes[i]));
    return places;
  }

  static constexpr Footprint planes(const ChainPlan<count>& p, Pass pass) {
    return followed_by(followed_by({}, p.plane(pass)), p.plane(pass));
  }
  /// The plane that an unkept boundary lies in: even ones in the first, odd ones in the second.
  template <Pass pass, class T>
  static T* plane(const ChainPlan<count>& p, T* scratch, std::size_t boundary, int samples) {
    return scratch + (boundary % 2 == 0 ? 0 : followed_by({}, p.plane(pass)).offset(samples));
  }

  /// The first layer that backward must reach: layer 0 if the caller wants dx, else the first that has
  /// a parameter to train. A frozen front of the network costs nothing.
  template <class T>
  static std::size_t first_trained(const ChainPlan<count>& p, const Backward<T>& call) {
    if (call.dx) return 0;
    if constexpr ((slot_count<Layers>.parameter_slots + ...) > 0)
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t slot = p.slots[i].parameter_slots; slot < p.slots[i + 1].parameter_slots; ++slot)
          if (!call.frozen[slot]) return i;
    return count;
  }
};

/// Chain<A, B, C>: C after B after A. Transparent: it adds nothing to the names of parameters. Neighbours for
/// which compose/fusion.hpp has a rule run as one.
template <class... Layers>
struct Chain : ChainOf<typename FuseAll<Layers...>::type> {};

}  // namespace captcha
