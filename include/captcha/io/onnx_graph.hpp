// OnnxGraph: operators, weights and how they hang together, as a layer's function `onnx` adds to it.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/model/weights.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha {

/// A named constant of an operator: a whole number, a real one, or a list of whole numbers.
struct OnnxAttribute {
  std::string name;
  enum class Kind : std::int64_t { real = 1, whole = 2, list = 7 } kind;  // AttributeProto.AttributeType
  float real_value = 0;
  std::vector<std::int64_t> whole_values{};

  template <std::integral Number>
  OnnxAttribute(std::string name_, Number value)
      : name(std::move(name_)), kind(Kind::whole), whole_values{static_cast<std::int64_t>(value)} {}
  OnnxAttribute(std::string name_, float value)
      : name(std::move(name_)), kind(Kind::real), real_value(value) {}
  OnnxAttribute(std::string name_, std::initializer_list<std::int64_t> values)
      : name(std::move(name_)), kind(Kind::list), whole_values(values) {}
};

/// An operator with one output.
struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<OnnxAttribute> attributes;
};

/// An array that is part of the file. Its type is one of TensorProto.DataType.
struct OnnxTensor {
  enum class Type : std::int64_t { f32 = 1, i64 = 7, f64 = 11 } type = Type::f32;
  std::vector<std::int64_t> extents;
  std::string bytes;  ///< row-major, little-endian
};

/// Values are known by their names. Names of weights are those of the state dict.
class OnnxGraph {
 public:
  using Attribute = OnnxAttribute;

  /// Of a network with these weights, which must outlive it, for samples of this shape.
  OnnxGraph(const WeightValues<float>& weights, Shape samples) : weights_(weights), input_shape_(samples) {
    for (const PlacedSlot& placed : weights.slots()) names_.insert(placed.name);
  }

  // --- what layers call ---
  /// Adds an operator; the name of its output.
  std::string node(const std::string& op, std::vector<std::string> inputs,
                   std::vector<OnnxAttribute> attributes = {});
  /// The weight, bias or buffer of that name of the layer that is being added.
  std::string slot(std::string_view name);
  /// A constant list of whole numbers, as some operators take them for an input.
  std::string list(std::initializer_list<std::int64_t> values);
  /// A constant number of double precision.
  std::string number(double value);
  void enter(std::string_view segment);
  void leave();

  // --- the whole ---
  static constexpr const char* input = "image";
  static constexpr const char* output = "logits";
  /// Makes `value`, of that shape, the output.
  void end(const std::string& value, Shape shape);
  /// Puts each batch norm into the convolution in front of it, where nothing else reads what lies between.
  void fold_norms();
  /// In an order in which they can be run.
  const std::vector<OnnxNode>& nodes() const { return nodes_; }
  const std::map<std::string, OnnxTensor>& tensors() const { return tensors_; }
  Shape input_shape() const { return input_shape_; }
  Shape output_shape() const { return output_shape_; }

 private:
  std::string own_name(std::string name);
  std::string constant(const std::string& name, OnnxTensor tensor);
  std::size_t readers(const std::string& value) const;
  void fold(OnnxNode& convolution, const OnnxNode& norm);

  const WeightValues<float>& weights_;
  Shape input_shape_, output_shape_{};
  std::string path_;
  std::vector<std::size_t> lengths_;
  std::set<std::string> names_{input, output};
  std::vector<OnnxNode> nodes_;
  std::map<std::string, OnnxTensor> tensors_;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string OnnxGraph::node(const std::string& op, std::vector<std::string> inputs,
                                           std::vector<OnnxAttribute> attributes) {
  return nodes_.emplace_back(OnnxNode{op, std::move(inputs), own_name(path_ + op), std::move(attributes)})
      .output;
}

CAPTCHA_INLINE std::string OnnxGraph::slot(std::string_view name) {
  const PlacedSlot& placed = slot_named(weights_.slots(), path_ + std::string(name));
  if (tensors_.contains(placed.name)) return placed.name;
  OnnxTensor tensor;
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
    tensor.extents.push_back(static_cast<std::int64_t>(placed.slot.extent(axis)));
  const std::vector<float> values = weights_.get(placed);
  tensor.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return constant(placed.name, std::move(tensor));
}

CAPTCHA_INLINE std::string OnnxGraph::list(std::initializer_list<std::int64_t> values) {
  return constant(own_name(path_ + "list"),
                  {OnnxTensor::Type::i64,
                   {static_cast<std::int64_t>(values.size())},
                   {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(std::int64_t)}});
}

CAPTCHA_INLINE std::string OnnxGraph::number(double value) {
  return constant(own_name(path_ + "number"),
                  {OnnxTensor::Type::f64, {}, {reinterpret_cast<const char*>(&value), sizeof(value)}});
}

CAPTCHA_INLINE void OnnxGraph::enter(std::string_view segment) {
  lengths_.push_back(path_.size());
  path_.append(segment).push_back('.');
}

CAPTCHA_INLINE void OnnxGraph::leave() {
  path_.resize(lengths_.back());
  lengths_.pop_back();
}

CAPTCHA_INLINE void OnnxGraph::end(const std::string& value, Shape shape) {
  output_shape_ = shape;
  const std::string last = value == input || nodes_.empty() ? node("Identity", {value}) : value;
  for (OnnxNode& each : nodes_) {
    std::replace(each.inputs.begin(), each.inputs.end(), last, std::string(output));
    if (each.output == last) each.output = output;
  }
}

CAPTCHA_INLINE std::string OnnxGraph::own_name(std::string name) {
  if (names_.insert(name).second) return name;
  for (std::size_t number = 2;; ++number)
    if (std::string other = name + "." + std::to_string(number); names_.insert(other).second) return other;
}

CAPTCHA_INLINE std::string OnnxGraph::constant(const std::string& name, OnnxTensor tensor) {
  tensors_[name] = std::move(tensor);
  return name;
}

CAPTCHA_INLINE std::size_t OnnxGraph::readers(const std::string& value) const {
  std::size_t count = 0;
  for (const OnnxNode& each : nodes_)
    count += static_cast<std::size_t>(std::count(each.inputs.begin(), each.inputs.end(), value));
  return count;
}

CAPTCHA_INLINE void OnnxGraph::fold_norms() {
  std::vector<OnnxNode> kept;
  for (const OnnxNode& each : nodes_) {
    const auto before = std::find_if(kept.begin(), kept.end(), [&](const OnnxNode& earlier) {
      return each.op == "BatchNormalization" && earlier.op == "Conv" && earlier.output == each.inputs[0] &&
             readers(earlier.output) == 1 && readers(earlier.inputs[1]) == 1;
    });
    if (before == kept.end())
      kept.push_back(each);
    else
      fold(*before, each);
  }
  nodes_ = std::move(kept);
}

/// gamma * (w * x + b - mean) / sqrt(var + eps) + beta is a convolution too.
CAPTCHA_INLINE void OnnxGraph::fold(OnnxNode& convolution, const OnnxNode& norm) {
  const auto values = [this](const std::string& name) {
    const std::string& bytes = tensors_.at(name).bytes;
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
  };
  const auto replace = [this](const std::string& name, const std::vector<float>& floats) {
    std::memcpy(tensors_.at(name).bytes.data(), floats.data(), floats.size() * sizeof(float));
  };
  const std::string weight = convolution.inputs[1], shift = norm.inputs[2];
  const std::vector<float> gamma = values(norm.inputs[1]), mean = values(norm.inputs[3]),
                           variance = values(norm.inputs[4]);
  std::vector<float> w = values(weight), beta = values(shift), bias(beta.size());
  if (convolution.inputs.size() > 2) bias = values(convolution.inputs[2]);
  const double eps = static_cast<double>(norm.attributes[0].real_value);
  const std::size_t each = w.size() / beta.size();
  for (std::size_t c = 0; c < beta.size(); ++c) {
    const double scale = static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + eps);
    for (std::size_t i = 0; i < each; ++i)
      w[c * each + i] = static_cast<float>(scale * static_cast<double>(w[c * each + i]));
    beta[c] = static_cast<float>(scale * (static_cast<double>(bias[c]) - static_cast<double>(mean[c])) +
                                 static_cast<double>(beta[c]));
  }
  replace(weight, w);
  replace(shift, beta);
  if (convolution.inputs.size() > 2) tensors_.erase(convolution.inputs[2]);
  for (const std::size_t gone : {1u, 3u, 4u}) tensors_.erase(norm.inputs[gone]);
  convolution.inputs = {convolution.inputs[0], weight, shift};
  convolution.output = norm.output;
}
#endif

}  // namespace captcha
