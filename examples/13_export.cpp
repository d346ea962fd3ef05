// A network with a layer of one's own as an ONNX file and as a C++ header.
//   13_export FILE.onnx FILE.hpp   (without arguments it writes to a temporary folder)
#include <captcha/io/embedded.hpp>
#include <captcha/io/onnx.hpp>
#include <captcha/layers.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>

// [export]
using namespace captcha;

/// Swish: y = x * sigmoid(x) (Ramachandran et al. 2017, arXiv:1710.05941). Any shape.
struct Swish : LayerDefaults {
  static constexpr Reads reads{.input = true};
  static constexpr Shape out(Shape in) { return in; }

  template <Shape S, class T>
  static void infer(const Infer<T>& call) {
    for (std::size_t i = 0; i < S.size() * static_cast<std::size_t>(call.samples); ++i)
      call.y[i] = call.x[i] / (1 + std::exp(-call.x[i]));
  }
  template <Shape S, class T>
  static void backward(const Backward<T>& call) {
    for (std::size_t i = 0; call.dx && i < S.size() * static_cast<std::size_t>(call.samples); ++i) {
      const T gate = 1 / (1 + std::exp(-call.x[i]));
      call.dx[i] = call.dy[i] * (gate + call.x[i] * gate * (1 - gate));
    }
  }

  /// The operators that do what infer does: `x` names the input, the result the output.
  static std::string onnx(auto& graph, const std::string& x, Shape) {
    return graph.node("Mul", {x, graph.node("Sigmoid", {x})});
  }
};
using Net = Chain<Named<"conv1", Conv2d<1, 4>>, Swish, GlobalAvgPool2d, Named<"fc", Linear<4, 2>>>;

void export_net(const Weights<Net>& weights, const std::filesystem::path& onnx_file,
                const std::filesystem::path& header) {
  const ModelInfo info{.architecture = "net", .classes = {"cat", "dog"}, .normalisation = "standardise"};
  save_onnx<chw(1, 28, 28)>(onnx_file, weights, info, {.standardise = true});
  save_embedded<chw(1, 28, 28)>(header, weights, info, {.network = "Net", .headers = {"net.hpp"}});
}
// [export]

int main(int argc, char** argv) {
  try {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / "captcha-example-export";
    std::filesystem::create_directories(folder);
    const std::filesystem::path onnx_file = argc > 1 ? argv[1] : folder / "net.onnx",
                                header = argc > 2 ? argv[2] : folder / "weights.hpp";
    export_net(Weights<Net>(1), onnx_file, header);
    std::printf("%s: %zu bytes\n", onnx_file.c_str(),
                static_cast<std::size_t>(std::filesystem::file_size(onnx_file)));
    std::filesystem::remove_all(folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
