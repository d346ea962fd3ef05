// The bytes of an ONNX file.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/io/onnx_graph.hpp>
#include <captcha/io/protobuf.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace captcha {

/// A graph as a ModelProto of operator set 13. Error when it is larger than 2 GB, which the format does not
/// allow.
CAPTCHA_INLINE std::string onnx_file(const OnnxGraph& graph,
                                     const std::map<std::string, std::string>& metadata);

#if CAPTCHA_DEFINED_HERE
// The numbers are those of the fields in onnx.proto.
CAPTCHA_INLINE std::string onnx_file(const OnnxGraph& from,
                                     const std::map<std::string, std::string>& metadata) {
  const auto value_info = [](const std::string& name, Shape shape, const std::string& says) {
    const auto axis = [](int extent) {
      ProtobufMessage dimension;
      extent > 0 ? dimension.number(1, extent) : dimension.text(2, "N");
      return dimension;
    };
    ProtobufMessage extents, tensor, type, value;
    extents.message(1, axis(0));
    extents.message(1, axis(shape.channels));
    if (!shape.is_flat) {
      extents.message(1, axis(shape.height));
      extents.message(1, axis(shape.width));
    }
    tensor.number(1, static_cast<std::int64_t>(OnnxTensor::Type::f32));
    tensor.message(2, extents);
    type.message(1, tensor);
    value.text(1, name);
    value.message(2, type);
    value.text(3, says);
    return value;
  };
  ProtobufMessage graph;
  for (const OnnxNode& each : from.nodes()) {
    ProtobufMessage node;
    for (const std::string& input : each.inputs) node.text(1, input);
    node.text(2, each.output);
    node.text(3, each.output);
    node.text(4, each.op);
    for (const OnnxAttribute& a : each.attributes) {
      ProtobufMessage attribute;
      attribute.text(1, a.name);
      if (a.kind == OnnxAttribute::Kind::real) attribute.real(2, a.real_value);
      for (const std::int64_t number : a.whole_values)
        attribute.number(a.kind == OnnxAttribute::Kind::whole ? 3 : 8, number);
      attribute.number(20, static_cast<std::int64_t>(a.kind));
      node.message(5, attribute);
    }
    graph.message(1, node);
  }
  graph.text(2, "captcha");
  for (const auto& [name, array] : from.tensors()) {
    ProtobufMessage tensor;
    for (const std::int64_t extent : array.extents) tensor.number(1, extent);
    tensor.number(2, static_cast<std::int64_t>(array.type));
    tensor.text(8, name);
    tensor.text(9, array.bytes);
    graph.message(5, tensor);
  }
  graph.message(
      11, value_info(from.input, from.input_shape(),
                     metadata.contains("captcha.pixels") ? "pixels " + metadata.at("captcha.pixels") : ""));
  graph.message(12, value_info(from.output, from.output_shape(), ""));

  ProtobufMessage model, operators;
  model.number(1, 7);  // IR version 7 came with ONNX 1.8, as did operator set 13
  model.text(2, "captcha");
  model.message(7, graph);
  operators.number(2, 13);
  model.message(8, operators);
  for (const auto& [key, text] : metadata) {
    ProtobufMessage entry;
    entry.text(1, key);
    entry.text(2, text);
    model.message(14, entry);
  }
  if (model.bytes().size() > 0x7FFF'FFFF)
    throw Error("onnx: a model of " + std::to_string(model.bytes().size() / 1'000'000) +
                " MB; the format allows 2147");
  return model.bytes();
}
#endif

}  // namespace captcha
