// Predictor: one network, its weights, one image at a time as everybody stores images.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/model/inference.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Logits as probabilities: exp(z[c]) / sum over k of exp(z[k]). NotANumber when that is none: a broken
/// network must not look sure of anything.
inline std::vector<float> softmax(std::span<const float> logits) {
  std::vector<float> shares(logits.begin(), logits.end());
  const float most = shares.empty() ? 0 : *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (float& share : shares) {
    share = std::exp(share - most);
    sum += static_cast<double>(share);
  }
  if (std::isnan(sum))
    throw NotANumber("what the network gives is not a number, or too large: its weights are damaged");
  for (float& share : shares) share = static_cast<float>(static_cast<double>(share) / sum);
  return shares;
}

/// The values of an image in (C, H, W) order in that of a batch of one: (H, W, C). Error when they are not as
/// many as the shape has.
template <class T>
void as_one_sample(std::span<const T> pixels, Shape shape, std::span<T> sample) {
  if (pixels.size() != shape.size())
    throw Error("image: " + std::to_string(pixels.size()) + " values, a " + to_string(shape) + " image has " +
                std::to_string(shape.size()));
  const auto channels = static_cast<std::size_t>(shape.channels), plane = shape.size() / channels;
  std::size_t from = 0;
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t pixel = 0; pixel < plane; ++pixel) sample[pixel * channels + channel] = pixels[from++];
}

/// Predicts single images of shape S. Not for several threads at once: give each one of its own, made from
/// the same PackedWeights, which they then share. Predictor<Net, S, BFloat16> is one with weights of that
/// form.
template <class Net, Shape S, class T = float>
class Predictor {
 public:
  explicit Predictor(PackedWeights<Net, S, T> weights, int threads = 1)
      : weights_(std::move(weights)), workers_(threads), input_(S.size()) {}
  explicit Predictor(const Weights<Net>& weights, int threads = 1)
      : Predictor(PackedWeights<Net, S, T>(weights), threads) {}

  /// What the network gives for an image in (C, H, W) order, prepared as in training: S.size() values, else
  /// Error.
  std::vector<float> operator()(std::span<const float> pixels) {
    as_one_sample(pixels, S, std::span(input_));
    const auto output = inference_(weights_, input_.data(), 1, workers_);
    return {output.begin(), output.end()};
  }
  /// The same as probabilities of the classes.
  std::vector<float> probabilities(std::span<const float> pixels) { return softmax((*this)(pixels)); }

 private:
  PackedWeights<Net, S, T> weights_;
  Workers workers_;
  Inference<Net, S> inference_{1};
  std::vector<float> input_;
};

}  // namespace captcha
