// Residual: the sum of a body and a shortcut around it (He et al. 2015, arXiv:1512.03385).
//
//   y = body(x) + shortcut(x)
#pragma once

#include <captcha/compose/fusion.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/elementwise.hpp>
#include <captcha/layers/identity.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>

namespace captcha {

/// Does not compile when the two sides of a sum give different shapes.
template <class Body, Shape BodyGives, class Shortcut, Shape ShortcutGives>
constexpr bool check_sum() {
  static_assert(
      BodyGives == ShortcutGives,
      "captcha: the two sides of a Residual give different shapes; give the shortcut the stride and "
      "the channels of the body. Both stand beside this message, in check_sum<body, shape it gives, "
      "shortcut, shape it gives>; {channels, height, width, flat}");
  return true;
}

/// Any two layers with the same input and the same output shape. Transparent: it adds nothing to the names of
/// parameters; the body's come first. `AndReLU` is what the rule below makes of a sum followed by ReLU.
template <Layer Body, Layer Shortcut = Identity, bool AndReLU = false>
struct Residual {
  static constexpr Reads reads{.input = Body::reads.input || Shortcut::reads.input, .output = AndReLU};

  // --- shapes ---
  static constexpr Shape wants(Shape in) {
    if (Body::wants(in) != in) return Body::wants(in);
    if (Shortcut::wants(in) != in) return Shortcut::wants(in);
    return Body::out(in) == Shortcut::out(in) ? in : Shape{};
  }
  static constexpr Shape out(Shape in) { return Body::out(in); }
  /// A branch whose backward reads its own output must find it: the sum does not hold it.
  static constexpr Footprint saved(Shape in) { return parts(in).end; }
  static constexpr Footprint scratch(Shape in, Pass pass) {
    return followed_by(planes(in, pass), either(Body::scratch(in, pass), Shortcut::scratch(in, pass)));
  }
  static constexpr std::size_t multiply_adds(Shape in) {
    return Body::multiply_adds(in) + Shortcut::multiply_adds(in);
  }
  static constexpr Sight sees(Sight before) {
    const Sight a = Body::sees(before), b = Shortcut::sees(before);
    return {std::max(a.rows, b.rows), std::max(a.columns, b.columns), std::max(a.row_step, b.row_step),
            std::max(a.column_step, b.column_step)};
  }

  template <Shape S>
  static constexpr bool check() {
    return check_shapes<Body, S>() && check_shapes<Shortcut, S>() &&
           check_sum<Body, Body::out(S), Shortcut, Shortcut::out(S)>();
  }
  template <class Visitor>
  static constexpr void walk(Visitor& visitor, Shape in) {
    captcha::walk<Body>(visitor, in);
    captcha::walk<Shortcut>(visitor, in);
  }

  // --- parameters ---
  template <class Slots>
  static constexpr void describe(Slots& slots) {
    Body::describe(slots);
    Shortcut::describe(slots);
  }

  // --- infer ---
  template <class T>
  static constexpr std::size_t packed(Shape in) {
    return packed_shortcut<T>(in) + packed_values<Shortcut, T>(in);
  }
  template <Shape S, class T>
  static void pack(const Pack<T>& call) {
    run_pack<Body, S>(call);
    constexpr std::size_t shortcut = packed_shortcut<T>(S);
    run_pack<Shortcut, S>(Pack<T>{call.parameters + body.parameters, call.buffers + body.buffers,
                                  call.packed + shortcut, call.workers});
  }
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    constexpr Footprint outer = planes(S, Pass::infer);
    auto* const inner = call.scratch + outer.offset(call.samples);
    const auto* from_shortcut = call.x;
    if constexpr (!is_identity) {
      constexpr std::size_t shortcut = packed_shortcut<T>(S);
      run_infer<Shortcut, S>(Infer<T>{call.samples, call.x, call.scratch, call.parameters + shortcut, nullptr,
                                      inner, call.workers});
      from_shortcut = call.scratch;
    }
    Infer<T> to_body{call.samples, call.x, call.y, call.parameters, nullptr, inner, call.workers};
    if constexpr (Adds<Body>) {
      to_body.add = from_shortcut;
      to_body.rectify = AndReLU;
    }
    run_infer<Body, S>(to_body);
    if constexpr (!Adds<Body>) add<After>(size<S>(call.samples), call.y, from_shortcut, call.y, call.workers);
  }

  // --- forward ---
  template <Shape S, class T>
  static void forward(const Forward<T>& call) {
    static constexpr Parts p = parts(S);
    constexpr Footprint outer = planes(S, Pass::forward);
    T* const inner = call.scratch + outer.offset(call.samples);
    T* const from_body = Body::reads.output ? call.saved + p.body_output.offset(call.samples) : call.y;
    run_forward<Body, S>(Forward<T>{call.samples, call.x, from_body, call.parameters, call.buffers,
                                    call.saved, inner, call.frozen, call.noise.child(0), call.workers,
                                    call.watch});
    const T* from_shortcut = call.x;
    if constexpr (!is_identity) {
      T* const out =
          Shortcut::reads.output ? call.saved + p.shortcut_output.offset(call.samples) : call.scratch;
      run_forward<Shortcut, S>(
          Forward<T>{call.samples, call.x, out, call.parameters + body.parameters,
                     call.buffers + body.buffers, call.saved + p.shortcut.offset(call.samples), inner,
                     call.frozen + body.parameter_slots, call.noise.child(1), call.workers, call.watch});
      from_shortcut = out;
    }
    add<After>(size<S>(call.samples), from_body, from_shortcut, call.y, call.workers);
  }

  // --- backward ---
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    static constexpr Parts p = parts(S);
    constexpr Footprint outer = planes(S, Pass::backward);
    T* const inner = call.scratch + outer.offset(call.samples);
    const T* dy = call.dy;
    if constexpr (AndReLU) {
      constexpr Footprint by_branch = branch(S, Pass::backward);
      T* const rectified = call.scratch + by_branch.offset(call.samples);
      relu_backward(size<S>(call.samples), call.y, call.dy, rectified, call.workers);
      dy = rectified;
    }
    const T* const body_output =
        Body::reads.output ? call.saved + p.body_output.offset(call.samples) : nullptr;
    Body::template backward<S>(Backward<T>{call.samples, Body::reads.input ? call.x : nullptr, body_output,
                                           dy, call.dx, call.parameters, call.buffers, call.gradients,
                                           call.saved, inner, call.frozen, call.noise.child(0), call.workers,
                                           call.watch});
    const T* by_shortcut = dy;
    if constexpr (!is_identity) {
      T* const dx = call.dx ? call.scratch : nullptr;
      const T* const output =
          Shortcut::reads.output ? call.saved + p.shortcut_output.offset(call.samples) : nullptr;
      Shortcut::template backward<S>(
          Backward<T>{call.samples, Shortcut::reads.input ? call.x : nullptr, output, dy, dx,
                      call.parameters + body.parameters, call.buffers + body.buffers,
                      call.gradients + body.parameters, call.saved + p.shortcut.offset(call.samples), inner,
                      call.frozen + body.parameter_slots, call.noise.child(1), call.workers, call.watch});
      by_shortcut = dx;
    }
    if (call.dx)
      add(S.size() * static_cast<std::size_t>(call.samples), call.dx, by_shortcut, call.dx, call.workers);
  }

  // --- export ---
  static std::string onnx(auto& graph, const std::string& x, Shape in) {
    const std::string from_body = add_to_onnx<Body>(graph, x, in);
    const std::string y = graph.node("Add", {from_body, add_to_onnx<Shortcut>(graph, x, in)});
    return AndReLU ? graph.node("Relu", {y}) : y;
  }

 private:
  static constexpr bool is_identity = std::same_as<Shortcut, Identity>;
  static constexpr SlotCounter body = slot_count<Body>;
  using After = std::conditional_t<AndReLU, Rectify, Keep>;

  template <class T>
  static constexpr std::size_t packed_shortcut(Shape in) {
    return aligned(packed_values<Body, T>(in));
  }

  /// Where in `saved` each part starts; the body's own region is at 0.
  struct Parts {
    Footprint shortcut, body_output, shortcut_output, end;
  };
  static constexpr Parts parts(Shape in) {
    const Footprint output{out(in).size(), 0};
    Parts p{};
    p.shortcut = followed_by({}, Body::saved(in));
    p.body_output = followed_by(p.shortcut, Shortcut::saved(in));
    p.shortcut_output = Body::reads.output ? followed_by(p.body_output, output) : p.body_output;
    p.end = Shortcut::reads.output ? followed_by(p.shortcut_output, output) : p.shortcut_output;
    return p;
  }
  /// The plane that holds what the shortcut gives: its output, or in backward its share of dx.
  static constexpr Footprint branch(Shape in, Pass pass) {
    if (is_identity) return {};
    return followed_by({}, {pass == Pass::backward ? in.size() : out(in).size(), 0});
  }
  /// That plane, and in backward behind ReLU another for the gradient by the sum.
  static constexpr Footprint planes(Shape in, Pass pass) {
    if (!AndReLU || pass != Pass::backward) return branch(in, pass);
    return followed_by(branch(in, pass), {out(in).size(), 0});
  }
  template <Shape S>
  static constexpr std::size_t size(int samples) {
    return out(S).size() * static_cast<std::size_t>(samples);
  }
};

template <class Body, class Shortcut>
struct Fuse<Residual<Body, Shortcut>, ReLU> {
  using type = Residual<Body, Shortcut, true>;
};

}  // namespace captcha
