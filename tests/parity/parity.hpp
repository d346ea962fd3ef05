// What the parity tests share: PyTorch's numbers from tests/parity/data (made by make_parity.py), the way
// between PyTorch's memory order and ours, and the comparison. Defined in parity.test.cpp, compiled once.
#pragma once

#include <captcha/core/aligned.hpp>
#include <captcha/core/output.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/tape.hpp>

#include "catch.hpp"

#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace captcha {
class SafetensorsFile;
}

namespace captcha::parity {

std::filesystem::path data_folder();

/// One of the files. A missing array is an Error, so a test cannot pass by not finding its numbers.
class Reference {
 public:
  explicit Reference(const std::string& name);
  std::vector<float> values(const std::string& name) const;
  float value(const std::string& name) const { return values(name).at(0); }
  std::vector<int> labels(const std::string& name) const;
  int extent(const std::string& name, std::size_t axis) const;

 private:
  std::shared_ptr<const SafetensorsFile> file_;
};

/// Part `index` of `parts` equal ones, as a leading axis divides an array.
template <class T>
std::span<const T> part(const std::vector<T>& values, int index, int parts) {
  const std::size_t size = values.size() / static_cast<std::size_t>(parts);
  return std::span(values).subspan(static_cast<std::size_t>(index) * size, size);
}

/// From PyTorch's (N, C, H, W) to our [row][column][channel][sample], and back.
AlignedVector<float> to_ours(Shape shape, int samples, std::span<const float> torch);
std::vector<float> to_torch(Shape shape, int samples, std::span<const float> ours);

/// The largest difference of two values as a share of the largest expected magnitude (or as it is, where only
/// zeros are expected); infinite when the sizes differ or a difference is not a number.
double difference(std::span<const float> actual, std::span<const float> expected);

/// What outputs and running statistics may differ by, and gradients.
inline constexpr double value_tolerance = 1e-5;
inline constexpr double gradient_tolerance = 1e-4;

/// A layer or network with its weights and gradients. Its type is forgotten here, so that all that compares
/// is compiled once; everything goes in and comes out in PyTorch's order.
class Specimen {
 public:
  Specimen(const Specimen&) = delete;
  virtual ~Specimen() = default;
  const Shape in, out;
  const int samples;
  const std::vector<PlacedSlot>& slots;

  virtual void set(const PlacedSlot& slot, std::span<const float> values) = 0;
  virtual std::vector<float> weight(const PlacedSlot& slot) const = 0;
  virtual std::vector<float> gradient(const PlacedSlot& slot) const = 0;
  virtual std::span<bool> frozen() = 0;

  /// Sets the weights from the arrays whose names begin with `prefix`.
  void load(const Reference& file, const std::string& prefix);
  std::vector<float> infer(std::span<const float> x);
  std::vector<float> forward(std::span<const float> x);
  /// Adds up gradients for the last forward, given dy. Returns the gradient by x.
  std::vector<float> backward(std::span<const float> dy);

 protected:
  Specimen(Shape in_, Shape out_, int samples_, const std::vector<PlacedSlot>& slots_)
      : in(in_), out(out_), samples(samples_), slots(slots_) {}

 private:
  virtual std::span<const float> run_infer(const float* x) = 0;
  virtual std::span<const float> run_forward(const float* x) = 0;
  virtual std::span<float> output_gradient() = 0;
  virtual void run_backward(const float* x, float* dx) = 0;

  AlignedVector<float> x_;
};

/// L for inputs of shape S. Two threads, and memory for more samples than there are: batches may be short.
template <class L, Shape S>
class SpecimenOf final : public Specimen {
 public:
  explicit SpecimenOf(int samples_) : Specimen(S, L::out(S), samples_, slots_of<L>()) {}

  Weights<L> weights = Weights<L>::zeros();
  Weights<L> gradients = Weights<L>::zeros();
  Workers workers{2};

  void set(const PlacedSlot& slot, std::span<const float> values) override { weights.set(slot, values); }
  std::vector<float> weight(const PlacedSlot& slot) const override { return weights.get(slot); }
  std::vector<float> gradient(const PlacedSlot& slot) const override { return gradients.get(slot); }
  std::span<bool> frozen() override { return tape_.frozen(); }

 private:
  std::span<const float> run_infer(const float* x) override {
    return inference_(pack<S>(weights), x, samples, workers);
  }
  std::span<const float> run_forward(const float* x) override {
    return tape_.forward(weights, x, samples, {}, workers);
  }
  std::span<float> output_gradient() override { return tape_.output_gradient(samples); }
  void run_backward(const float* x, float* dx) override {
    tape_.backward(weights, gradients, x, samples, {}, workers, dx);
  }

  Tape<L, S> tape_{samples + 2};
  Inference<L, S> inference_{samples + 1};
};

/// The parameters of a layer are trained, or frozen.
enum class Mode { trained, frozen };

/// Runs a layer forward and backward through all steps of a case of layers.safetensors, adding up its
/// gradients as PyTorch does, then once in prediction, and compares everything.
void check_layer(Specimen&& layer, const Reference& file, const std::string& name, Mode mode);
template <class L, Shape S>
void check_layer(const Reference& file, const std::string& name, Mode mode = Mode::trained) {
  check_layer(SpecimenOf<L, S>(file.extent(name + "/x", 1)), file, name, mode);
}

/// Compares a network with everything in a file: logits, loss, gradients, running statistics.
void check_network(Specimen&& net, const Reference& file);
template <class Net, Shape S>
void check_network(const std::string& name) {
  const Reference file(name);
  check_network(SpecimenOf<Net, S>(file.extent("x", 0)), file);
}

/// A loss and its gradient by the outputs (N, C).
struct LossAndGradient {
  double loss;
  std::vector<float> gradient;
};

/// Applies a loss to outputs (N, C).
template <class Loss, class Target>
LossAndGradient apply(const Loss& loss, const std::vector<float>& outputs, std::span<const Target> targets) {
  const auto samples = static_cast<int>(targets.size());
  const Shape shape = flat(static_cast<int>(outputs.size()) / samples);
  const AlignedVector<float> ours = to_ours(shape, samples, outputs);
  std::vector<float> gradient(ours.size(), std::numeric_limits<float>::quiet_NaN());
  const double value =
      loss(Outputs<const float>{ours, targets.size()}, targets, Outputs<float>{gradient, targets.size()});
  return {value, to_torch(shape, samples, gradient)};
}

}  // namespace captcha::parity
