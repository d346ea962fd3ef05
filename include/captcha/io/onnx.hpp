// ONNX files: a network and its weights for other runtimes (ONNX Runtime, OpenVINO, TensorRT, browsers).
//
// Each layer says by its function `onnx` which operators it is; compositions put them together, so any
// network of layers that have one can be written. Format:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/io/atomic_file.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/onnx_file.hpp>
#include <captcha/io/onnx_graph.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/model/weights.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace captcha {

struct OnnxOptions {
  bool fold = true;  ///< batch norms into the convolutions in front of them
  /// Whether the graph standardises images itself: it then takes grey or colour values as they are in the
  /// picture, from 0 to 255 or from 0 to 1, and else what Standardise makes of them.
  bool standardise = false;
};

/// Adds what Standardise does. In double precision, as there: else the rounding errors of a constant image
/// would be stretched to its contrast.
CAPTCHA_INLINE std::string onnx_standardise(OnnxGraph& graph, const std::string& x, Shape in);

/// The graph of Net for images of shape S: input "image" (N, C, H, W), or (N, C) where S is flat, output
/// "logits", N being free.
template <Shape S, class Net>
OnnxGraph onnx_graph(const Weights<Net>& weights, const OnnxOptions& options = {}) {
  static_assert(check_shapes<Net, S>());
  require_own_names(weights.slots());
  OnnxGraph graph(weights, S);
  std::string x = graph.input;
  if (options.standardise) x = onnx_standardise(graph, x, S);
  graph.end(add_to_onnx<Net>(graph, x, S), Net::out(S));
  if (options.fold) graph.fold_norms();
  return graph;
}

/// Writes a network as an ONNX file (operator set 13, ONNX 1.8 of 2020), with `info` as its metadata, in an
/// atomic step. What ONNX Runtime computes from it differs from our prediction by rounding alone.
template <Shape S, class Net>
void save_onnx(const std::filesystem::path& path, const Weights<Net>& weights, ModelInfo info,
               const OnnxOptions& options = {}) {
  info.input = S;
  auto metadata = to_metadata<Net>(info);
  metadata["captcha.pixels"] = options.standardise ? "as in the picture" : "prepared";
  const std::string model = onnx_file(onnx_graph<S>(weights, options), metadata);
  const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(model))};
  write_file_atomically(path, parts);
}

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE std::string onnx_standardise(OnnxGraph& graph, const std::string& x, Shape in) {
  constexpr std::int64_t f32 = 1, f64 = 11;
  graph.enter("standardise");
  const std::string pixels = graph.node("Cast", {x}, {{"to", f64}});
  const auto mean = [&](const std::string& of) {
    return graph.node("ReduceMean", {of},
                      {in.is_flat ? OnnxAttribute("axes", {1}) : OnnxAttribute("axes", {1, 2, 3})});
  };
  const std::string centred = graph.node("Sub", {pixels, mean(pixels)});
  const std::string variance = mean(graph.node("Mul", {centred, centred}));
  const std::string deviation =
      graph.node("Max", {graph.node("Sqrt", {variance}), graph.number(static_cast<double>(1e-6f))});
  const std::string y = graph.node("Cast", {graph.node("Div", {centred, deviation})}, {{"to", f32}});
  graph.leave();
  return y;
}
#endif

}  // namespace captcha
