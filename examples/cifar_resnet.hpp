// The CIFAR-10 ResNets with a shortcut of our own; shown by 09_own_shortcut.cpp and used by the tests.
#pragma once

#include <captcha/models/resnet.hpp>

// [shortcut]
/// x[:, :, ::2, ::2] with a quarter of Out channels of zeros in front and behind. No parameters.
template <int In, int Out>
struct Subsample : captcha::LayerDefaults {
  static_assert(Out == 2 * In, "Subsample doubles the channels");

  static constexpr captcha::Shape wants(captcha::Shape in) { return captcha::chw(In, in.height, in.width); }
  static constexpr captcha::Shape out(captcha::Shape in) {
    return captcha::chw(Out, (in.height + 1) / 2, (in.width + 1) / 2);
  }

  template <captcha::Shape S, class T>
  static void infer(const captcha::Infer<T>& call) {
    const auto samples = static_cast<std::size_t>(call.samples);
    std::fill_n(call.y, out(S).size() * samples, T{0});
    for_each_kept<S>([&](std::size_t from, std::size_t to) {
      std::copy_n(call.x + from * samples, In * samples, call.y + to * samples);
    });
  }
  template <captcha::Shape S, class T>
  static void backward(const captcha::Backward<T>& call) {
    if (!call.dx) return;
    const auto samples = static_cast<std::size_t>(call.samples);
    std::fill_n(call.dx, S.size() * samples, T{0});
    for_each_kept<S>([&](std::size_t from, std::size_t to) {
      std::copy_n(call.dy + to * samples, In * samples, call.dx + from * samples);
    });
  }
  /// Only for save_onnx: the operators that do what infer does.
  static std::string onnx(auto& graph, const std::string& x, captcha::Shape in) {
    const std::string kept = graph.node("Slice", {x, graph.list({0, 0}), graph.list({in.height, in.width}),
                                                  graph.list({2, 3}), graph.list({2, 2})});
    return graph.node("Pad", {kept, graph.list({0, Out / 4, 0, 0, 0, Out / 4, 0, 0})});
  }

 private:
  /// Calls f(input pixel, first kept channel of the output pixel) for every pixel that is kept; memory is
  /// [row][column][channel][sample].
  template <captcha::Shape S, class F>
  static void for_each_kept(F&& f) {
    constexpr captcha::Shape small = out(S);
    for (int row = 0; row < small.height; ++row)
      for (int column = 0; column < small.width; ++column)
        f(static_cast<std::size_t>((2 * row * S.width + 2 * column) * In),
          static_cast<std::size_t>((row * small.width + column) * Out + Out / 4));
  }
};

template <int In, int Width, int Stride>
struct CifarBlock
    : captcha::Chain<
          captcha::Residual<captcha::Chain<captcha::Named<"conv1", captcha::Conv3x3<In, Width, Stride>>,
                                           captcha::Named<"bn1", captcha::BatchNorm2d<Width>>, captcha::ReLU,
                                           captcha::Named<"conv2", captcha::Conv3x3<Width, Width>>,
                                           captcha::Named<"bn2", captcha::BatchNorm2d<Width>>>,
                            std::conditional_t<In == Width, captcha::Identity, Subsample<In, Width>>>,
          captcha::ReLU> {
  static constexpr int expansion = 1;
};

/// Depth blocks in each of three stages: 3 make ResNet-20, 9 make ResNet-56.
template <int Depth>
struct CifarResNet
    : captcha::Chain<captcha::Named<"conv1", captcha::Conv3x3<3, 16>>,
                     captcha::Named<"bn1", captcha::BatchNorm2d<16>>, captcha::ReLU,
                     captcha::Named<"layer1", captcha::ResNetStage<CifarBlock, 16, 16, 1, Depth>>,
                     captcha::Named<"layer2", captcha::ResNetStage<CifarBlock, 16, 32, 2, Depth>>,
                     captcha::Named<"layer3", captcha::ResNetStage<CifarBlock, 32, 64, 2, Depth>>,
                     captcha::GlobalAvgPool2d, captcha::Named<"linear", captcha::Linear<64, 10>>> {};
// [shortcut]
