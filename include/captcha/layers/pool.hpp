// MaxPool2d, AvgPool2d and GlobalAvgPool2d: each channel summarised over windows, or as a whole.
//
// Input (N, C, H, W); output (N, C, OH, OW) with OH = floor((H + 2 padding - kernel) / stride) + 1, or (N, C)
// for the global one.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/pooling.hpp>
#include <captcha/layers/size2.hpp>

#include <algorithm>
#include <concepts>
#include <string>

namespace captcha {

/// The options of the pooling layers, with PyTorch's defaults but for the stride, which is always written.
struct Pool {
  Size2 kernel = 2;
  Size2 stride = 2;
  Size2 padding = 0;
  bool count_padding = true;  ///< AvgPool2d only: whether padding counts as zeros in the average
};

/// What the two windowed poolings share.
template <Pool Options>
struct WindowedPool : LayerDefaults {
  static_assert(Options.kernel.rows > 0 && Options.kernel.columns > 0 && Options.stride.rows > 0 &&
                    Options.stride.columns > 0,
                "captcha: a pooling's kernel and stride must be positive");
  static_assert(Options.padding.rows >= 0 && Options.padding.columns >= 0 &&
                    2 * Options.padding.rows <= Options.kernel.rows &&
                    2 * Options.padding.columns <= Options.kernel.columns,
                "captcha: a pooling's padding must be at most half of its kernel");

  static constexpr Shape wants(Shape in) {
    return chw(in.channels, std::max(in.height, Options.kernel.rows - 2 * Options.padding.rows),
               std::max(in.width, Options.kernel.columns - 2 * Options.padding.columns));
  }
  static constexpr Shape out(Shape in) {
    const PoolGeometry g = geometry(in, 1);
    return chw(in.channels, g.rows.out, g.columns.out);
  }
  static constexpr Sight sees(Sight before) {
    return before.through(Options.kernel.rows, Options.kernel.columns, Options.stride.rows,
                          Options.stride.columns);
  }

 protected:
  template <class Graph>
  static std::string onnx_window(Graph& graph, const char* op, const std::string& x,
                                 std::same_as<typename Graph::Attribute> auto... more) {
    constexpr Size2 kernel = Options.kernel, stride = Options.stride, pad = Options.padding;
    return graph.node(op, {x},
                      {{"kernel_shape", {kernel.rows, kernel.columns}},
                       {"strides", {stride.rows, stride.columns}},
                       {"pads", {pad.rows, pad.columns, pad.rows, pad.columns}},
                       more...});
  }
  static constexpr PoolGeometry geometry(Shape in, int samples) {
    const auto axis = [](int length, int kernel, int stride, int padding) {
      return Axis{length, Axis::length(length, kernel, stride, padding, 1), kernel, stride, padding, 1};
    };
    return {static_cast<std::size_t>(in.channels) * static_cast<std::size_t>(samples),
            axis(in.height, Options.kernel.rows, Options.stride.rows, Options.padding.rows),
            axis(in.width, Options.kernel.columns, Options.stride.columns, Options.padding.columns)};
  }
};

/// The largest value of each window. Its gradient goes to the first largest one.
template <Pool Options = Pool{}>
struct MaxPool2d : WindowedPool<Options> {
  static constexpr Reads reads{.input = true, .output = true};

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    max_pool_forward(MaxPool2d::geometry(S, call.samples), call.x, call.y, call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      max_pool_backward(MaxPool2d::geometry(S, call.samples), call.x, call.y, call.dy, call.dx, call.workers);
  }

  static std::string onnx(auto& graph, const std::string& x, Shape) {
    return MaxPool2d::onnx_window(graph, "MaxPool", x);
  }
};

/// The average of each window.
template <Pool Options = Pool{}>
struct AvgPool2d : WindowedPool<Options> {
  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    average_pool_forward(AvgPool2d::geometry(S, call.samples), Options.count_padding, call.x, call.y,
                         call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx)
      average_pool_backward(AvgPool2d::geometry(S, call.samples), Options.count_padding, call.dy, call.dx,
                            call.workers);
  }

  template <class Graph>
  static std::string onnx(Graph& graph, const std::string& x, Shape) {
    return AvgPool2d::onnx_window(graph, "AveragePool", x,
                                  typename Graph::Attribute{"count_include_pad", Options.count_padding});
  }
};

/// The average of each channel over the whole image, as a vector: (N, C, H, W) to (N, C).
struct GlobalAvgPool2d : LayerDefaults {
  static constexpr Shape wants(Shape in) { return chw(in.channels, in.height, in.width); }
  static constexpr Shape out(Shape in) { return flat(in.channels); }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    average_pool_forward(geometry(S, call.samples), false, call.x, call.y, call.workers);
  }

  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    if (call.dx) average_pool_backward(geometry(S, call.samples), false, call.dy, call.dx, call.workers);
  }

  static std::string onnx(auto& graph, const std::string& x, Shape) {
    return graph.node("Flatten", {graph.node("GlobalAveragePool", {x})}, {{"axis", 1}});
  }

 private:
  static constexpr PoolGeometry geometry(Shape in, int samples) {
    return whole_image(static_cast<std::size_t>(in.channels) * static_cast<std::size_t>(samples), in.height,
                       in.width);
  }
};

}  // namespace captcha
