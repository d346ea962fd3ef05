// The plan of a chain: where in memory everything between its layers lies. Made by the compiler, followed by
// run_chain, which knows the layers by their functions alone and so is compiled once for all chains.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/layer.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace captcha {

/// A boundary of a chain, and the layer behind it. Boundary i lies in front of layer i, the last one behind
/// the last layer; the first and the last belong to the caller.
struct ChainPlace {
  Shape shape{};      ///< of what lies here
  bool kept = false;  ///< whether backward reads it
  Footprint value{};  ///< where in `saved` it starts if it is kept
  // The layer:
  Reads reads{};
  Footprint own{};      ///< where in `saved` its own region starts
  SlotCounter slots{};  ///< parameter values, buffer values and slots in front of it
};

/// The two planes that boundaries which are not kept alternate between, each as large as the largest of its.
struct ChainPlanePair {
  std::array<Footprint, 2> of{};  ///< even boundaries, odd ones

  constexpr void hold(std::size_t boundary, Footprint size) {
    of[boundary % 2] = either(of[boundary % 2], size);
  }
  constexpr Footprint first() const { return followed_by({}, of[0]); }
  constexpr Footprint both() const { return followed_by(first(), of[1]); }
};

/// What a chain needs beyond its places.
struct ChainSizes {
  Footprint saved{};  ///< everything backward must find
  ChainPlanePair infer{}, forward{}, backward{};

  constexpr const ChainPlanePair& planes(Pass pass) const {
    return pass == Pass::infer ? infer : pass == Pass::forward ? forward : backward;
  }
};

/// What a chain of Count layers needs for one input shape.
template <std::size_t Count>
struct ChainPlan {
  std::array<ChainPlace, Count + 1> places{};
  ChainSizes sizes{};
};

/// One way in which a layer runs, its type forgotten.
template <class Call>
using LayerFunction = void (*)(const Call&);

/// The planes of one call of a chain, and what lies behind them in the scratch space: that of its layers.
template <class T>
class ChainPlanes {
 public:
  ChainPlanes(const ChainSizes& sizes, Pass pass, T* scratch, int samples)
      : even_(scratch),
        odd_(scratch + sizes.planes(pass).first().offset(samples)),
        inner_(scratch + sizes.planes(pass).both().offset(samples)) {}

  /// Where a boundary that is not kept lies.
  T* at(std::size_t boundary) const { return boundary % 2 == 0 ? even_ : odd_; }
  T* inner() const { return inner_; }

 private:
  T* even_;
  T* odd_;
  T* inner_;
};

/// What a Watch is shown of what lies behind a layer.
template <class T>
Seen<T> seen_behind(std::span<const ChainPlace> places, std::size_t layer, const T* values,
                    const bool* frozen) {
  const std::size_t before = places[layer].slots.parameter_slots;
  return {values, places[layer + 1].shape, frozen + before, places[layer + 1].slots.parameter_slots - before};
}

/// Packs layer after layer; `packed` says where each one's values start.
template <class T>
void run_chain(std::span<const ChainPlace> places, std::span<const std::size_t> packed,
               std::span<const LayerFunction<Pack<T>>> layers, const Pack<T>& call) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const SlotCounter& slots = places[i].slots;
    layers[i](Pack<T>{call.parameters + slots.parameters, call.buffers + slots.buffers,
                      call.packed + packed[i], call.workers});
  }
}

/// Predicts, layer after layer.
template <class T>
void run_chain(const ChainSizes& sizes, std::span<const std::size_t> packed,
               std::span<const LayerFunction<Infer<T>>> layers, const Infer<T>& call) {
  const ChainPlanes planes(sizes, Pass::infer, call.scratch, call.samples);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool last = i + 1 == layers.size();
    layers[i](Infer<T>{call.samples, i == 0 ? call.x : planes.at(i), last ? call.y : planes.at(i + 1),
                       call.parameters + packed[i], nullptr, planes.inner(), call.workers,
                       last ? call.add : nullptr, last && call.rectify});
  }
}

/// The forward half of a training step.
template <class T>
void run_chain(std::span<const ChainPlace> places, const ChainSizes& sizes,
               std::span<const LayerFunction<Forward<T>>> layers, const Forward<T>& call) {
  const ChainPlanes<T> planes(sizes, Pass::forward, call.scratch, call.samples);
  const auto at = [&](std::size_t boundary) {
    const ChainPlace& place = places[boundary];
    return place.kept ? call.saved + place.value.offset(call.samples) : planes.at(boundary);
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const ChainPlace& place = places[i];
    layers[i](Forward<T>{call.samples, i == 0 ? call.x : at(i), i + 1 == layers.size() ? call.y : at(i + 1),
                         call.parameters + place.slots.parameters, call.buffers + place.slots.buffers,
                         call.saved + place.own.offset(call.samples), planes.inner(),
                         call.frozen + place.slots.parameter_slots, call.noise.child(i), call.workers,
                         call.watch});
    if (call.watch)
      call.watch->output(seen_behind(places, i, i + 1 == layers.size() ? call.y : at(i + 1), call.frozen));
  }
}

/// The first layer that backward must reach: layer 0 if the caller wants dx, else the first that has a
/// parameter to train. A frozen front of the network costs nothing.
template <class T>
std::size_t first_trained(std::span<const ChainPlace> places, const Backward<T>& call) {
  if (call.dx) return 0;
  std::size_t slot = 0;
  while (slot < places.back().slots.parameter_slots && call.frozen[slot]) ++slot;
  std::size_t layer = 0;
  while (layer + 1 < places.size() && places[layer + 1].slots.parameter_slots <= slot) ++layer;
  return layer;
}

/// The backward half.
template <class T>
void run_chain(std::span<const ChainPlace> places, const ChainSizes& sizes,
               std::span<const LayerFunction<Backward<T>>> layers, const Backward<T>& call) {
  const ChainPlanes<T> planes(sizes, Pass::backward, call.scratch, call.samples);
  const auto value = [&](bool wanted, std::size_t boundary) -> const T* {
    if (!wanted) return nullptr;
    return boundary == 0               ? call.x
           : boundary == layers.size() ? call.y
                                       : call.saved + places[boundary].value.offset(call.samples);
  };
  const std::size_t first = first_trained(places, call);
  for (std::size_t i = layers.size(); i-- > first;) {
    const ChainPlace& place = places[i];
    const T* const dy = i + 1 == layers.size() ? call.dy : planes.at(i + 1);
    T* const dx = i == 0 ? call.dx : i == first && !call.dx ? nullptr : planes.at(i);
    if (call.watch) call.watch->gradient(seen_behind(places, i, dy, call.frozen));
    layers[i](Backward<T>{
        call.samples, value(place.reads.input, i), value(place.reads.output, i + 1), dy, dx,
        call.parameters + place.slots.parameters, call.buffers + place.slots.buffers,
        call.gradients + place.slots.parameters, call.saved + place.own.offset(call.samples), planes.inner(),
        call.frozen + place.slots.parameter_slots, call.noise.child(i), call.workers, call.watch});
  }
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE void run_chain(std::span<const ChainPlace>, std::span<const std::size_t>,
                                   std::span<const LayerFunction<Pack<float>>>, const Pack<float>&);
CAPTCHA_INSTANTIATE void run_chain(const ChainSizes&, std::span<const std::size_t>,
                                   std::span<const LayerFunction<Infer<float>>>, const Infer<float>&);
CAPTCHA_INSTANTIATE void run_chain(std::span<const ChainPlace>, const ChainSizes&,
                                   std::span<const LayerFunction<Forward<float>>>, const Forward<float>&);
CAPTCHA_INSTANTIATE void run_chain(std::span<const ChainPlace>, const ChainSizes&,
                                   std::span<const LayerFunction<Backward<float>>>, const Backward<float>&);
#endif

}  // namespace captcha
