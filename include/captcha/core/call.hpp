// What a layer is handed when it runs: pointers to exactly what the call may read and write.
//
// Activations lie as [row][column][channel][sample], the sample index innermost; a flat vector as
// [feature][sample]. T is float or double; in prediction also BFloat16, in which only weights are kept: what
// is computed is Widened<T>. Nothing a call points to is owned by the layer.
#pragma once

#include <captcha/core/shape.hpp>

#include <cstddef>
#include <cstdint>

namespace captcha {

class Workers;    // kernels/workers.hpp
struct BFloat16;  // kernels/bfloat16.hpp

/// What values kept as T are computed with: BFloat16 as float, all others as they are.
template <class T>
struct Widen {
  using type = T;
};
template <>
struct Widen<BFloat16> {
  using type = float;
};
template <class T>
using Widened = typename Widen<T>::type;

/// Before prediction: a layer that has `packed` writes there what its infer will read instead of parameters
/// and buffers.
template <class T>
struct Pack {
  const Widened<T>* parameters;
  const Widened<T>* buffers;
  Widened<T>* packed;  ///< packed(S) values
  Workers& workers;

  /// For a layer that does not keep its weights as T.
  Pack<Widened<T>> widened() const { return {parameters, buffers, packed, workers}; }
};

/// Prediction: reads x, parameters and buffers; writes y and scratch. Re-entrant.
template <class T>
struct Infer {
  int samples;                   ///< N
  const Widened<T>* x;           ///< input, shape S
  Widened<T>* y;                 ///< output, shape out(S)
  const Widened<T>* parameters;  ///< this layer's parameter slots, one behind the other; or what it packed
  const Widened<T>* buffers;     ///< this layer's buffer slots
  Widened<T>* scratch;           ///< scratch(S, Pass::infer) values, contents undefined
  Workers& workers;              ///< threads to split the work over
  // Only for a layer that says that it `adds`:
  const Widened<T>* add = nullptr;  ///< to be added to the output, laid out as y; or null
  bool rectify = false;             ///< whether negative outputs become 0 after that

  /// For a layer that does not keep its weights as T.
  Infer<Widened<T>> widened() const {
    return {samples, x, y, parameters, buffers, scratch, workers, add, rectify};
  }
};

/// Which random numbers a training step uses: the same key gives the same numbers.
struct Noise {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint64_t layer = 0;  ///< told apart by position in the network
  bool off = false;         ///< layers draw none, as in prediction

  constexpr Noise child(std::size_t index) const { return {seed, step, layer * 1000003 + index + 1, off}; }
};

/// What a layer of a chain gave, or the gradient by it.
template <class T>
struct Seen {
  const T* values;
  Shape shape;         ///< of a sample
  const bool* frozen;  ///< the flag of the layer's first parameter slot, or of the next layer's that has any
  std::size_t slots;   ///< parameter slots of the layer
};

/// Is shown what every layer of a chain gives, innermost chains first; and going backward the gradient by it,
/// outermost chains first.
template <class T>
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void output(const Seen<T>&) {}
  virtual void gradient(const Seen<T>&) {}
};

/// The forward half of a training step: as Infer, and writes buffers and what backward must find.
template <class T>
struct Forward {
  int samples;
  const T* x;
  T* y;
  const T* parameters;
  T* buffers;          ///< running statistics, updated unless frozen
  T* saved;            ///< saved(S) values, kept for backward
  T* scratch;          ///< scratch(S, Pass::forward) values
  const bool* frozen;  ///< one flag a parameter slot; a frozen norm uses its running statistics
  Noise noise;
  Workers& workers;
  Watch<T>* watch = nullptr;  ///< for chains; mostly null
};

/// The backward half: from dy to dx, accumulating into gradients.
template <class T>
struct Backward {
  int samples;
  const T* x;   ///< the input, or null unless the layer declares that it reads it
  const T* y;   ///< the output, or null unless the layer declares that it reads it
  const T* dy;  ///< gradient of the loss by y
  T* dx;        ///< gradient by x: overwritten; null when nobody needs it
  const T* parameters;
  const T* buffers;
  T* gradients;  ///< laid out as parameters; added to, never overwritten
  const T* saved;
  T* scratch;  ///< scratch(S, Pass::backward) values
  const bool* frozen;
  Noise noise;
  Workers& workers;
  Watch<T>* watch = nullptr;
};

}  // namespace captcha
