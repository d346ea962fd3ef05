// Grad-CAM: where in an image a network sees what speaks for a class.
//
//   map = max(0, sum over k of a[k] * A[k]),   a[k] = mean over i, j of d score / d A[k, i, j]
//
// A (K, H', W') is what one layer gives, score is the network's output for the class, before any softmax
// (Selvaraju et al. 2016, arXiv:1610.02391).
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/aligned.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/model/weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace captcha {

/// The map of the formula, H' x W' values, from A and d score / d A, both [row][column][channel].
template <class T>
std::vector<T> class_map(std::span<const T> activations, std::span<const T> gradients, Shape shape) {
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t plane = shape.size() / channels;
  std::vector<T> weights(channels), map(plane);
  for (std::size_t i = 0; i < shape.size(); ++i) weights[i % channels] += gradients[i];
  for (std::size_t i = 0; i < shape.size(); ++i)
    map[i / channels] += weights[i % channels] / static_cast<T>(plane) * activations[i];
  for (T& value : map) value = std::max(value, T{0});
  return map;
}

/// A map at another size, linear between the centres of its cells.
template <class T>
std::vector<T> enlarged(std::span<const T> map, Shape from, Shape to) {
  struct Between {
    std::size_t first, second;
    T share;  // of the second
  };
  const auto between = [](int at, int cells, int pixels) {
    const T place = (static_cast<T>(at) + T{0.5}) * static_cast<T>(cells) / static_cast<T>(pixels) - T{0.5};
    const T inside = std::clamp(place, T{0}, static_cast<T>(cells - 1));
    const auto first = static_cast<std::size_t>(inside);
    return Between{first, std::min(first + 1, static_cast<std::size_t>(cells - 1)),
                   inside - static_cast<T>(first)};
  };
  std::vector<T> large;
  large.reserve(static_cast<std::size_t>(to.height) * static_cast<std::size_t>(to.width));
  for (int i = 0; i < to.height; ++i)
    for (int j = 0; j < to.width; ++j) {
      const Between row = between(i, from.height, to.height), column = between(j, from.width, to.width);
      const auto along = [&](std::size_t r) {
        const T* const line = map.data() + r * static_cast<std::size_t>(from.width);
        return line[column.first] + column.share * (line[column.second] - line[column.first]);
      };
      large.push_back(along(row.first) + row.share * (along(row.second) - along(row.first)));
    }
  return large;
}

/// Which of a network's parameter slots belong to the layer of that name, and to those inside it.
struct LayerSlots {
  std::size_t first = 0;
  std::size_t count = 0;
};
/// Error, which names the outermost layers, when none is called so.
CAPTCHA_INLINE LayerSlots slots_of_layer(const std::vector<PlacedSlot>& slots, std::string_view layer);

/// Keeps what one layer gives and the gradient by it. A layer inside another that has no other parameters
/// cannot be told from that; of the two the outer one is kept.
template <class T>
class LayerWatch final : public Watch<T> {
 public:
  LayerWatch(LayerSlots layer, const bool* flags) : layer_(layer), flags_(flags) {}

  void output(const Seen<T>& seen) override {
    if (!is(seen)) return;
    shape_ = seen.shape;
    output_.assign(seen.values, seen.values + seen.shape.size());
  }
  void gradient(const Seen<T>& seen) override {
    if (is(seen) && gradient_.empty()) gradient_.assign(seen.values, seen.values + seen.shape.size());
  }

  Shape shape() const { return shape_; }  ///< of what was kept; no channels when nothing was
  std::vector<T> map() const { return class_map<T>(output_, gradient_, shape_); }

 private:
  bool is(const Seen<T>& seen) const {
    return seen.frozen == flags_ + layer_.first && seen.slots == layer_.count;
  }

  LayerSlots layer_;
  const bool* flags_;
  Shape shape_{};
  std::vector<T> output_;
  std::vector<T> gradient_;
};

/// Grad-CAM of a network that ends in one value a class, for single images of shape S. Norms use their
/// running statistics and nothing is dropped, as in prediction; the weights stay as they are, so any number
/// of threads may explain with one set, each with a GradCam of its own.
template <class Net, Shape S, class T = float>
class GradCam {
  static_assert(check_shapes<Net, S>());
  static_assert(Net::out(S).is_flat, "captcha: Grad-CAM needs a network that ends in one value a class");

 public:
  explicit GradCam(int threads = 1)
      : workers_(threads),
        frozen_(std::make_unique<bool[]>(slots)),
        unused_(std::make_unique_for_overwrite<T[]>(parameter_count<Net>)),
        buffers_(slot_count<Net>.buffers),
        input_(2 * S.size()),
        output_(2 * classes),
        saved_(Net::saved(S).values(1)),
        scratch_(either(Net::scratch(S, Pass::forward), Net::scratch(S, Pass::backward)).values(1)) {
    std::fill_n(frozen_.get(), slots, true);
  }

  /// The map of class `label` for an image in (C, H, W) order, prepared as in training: S.height x S.width
  /// values from 0 to 1, row by row; all 0 where nothing speaks for the class. `layer` is the name of a layer
  /// that has parameters and gives an image: "layer2", "layer2.0.bn1". What is fused with it, such as the
  /// ReLU behind a norm, counts as part of it. Error for other names, sizes and classes.
  std::vector<T> operator()(const Weights<Net, T>& weights, std::span<const T> pixels, std::size_t label,
                            std::string_view layer) {
    if (label >= classes)
      throw Error("grad-cam: class " + std::to_string(label) + ", the network knows " +
                  std::to_string(classes));
    LayerWatch<T> watch(slots_of_layer(weights.slots(), layer), frozen_.get());
    const Noise noise{.off = true};
    const std::span<T> x = std::span(input_).first(S.size()), dx = std::span(input_).last(S.size());
    const std::span<T> y = std::span(output_).first(classes), dy = std::span(output_).last(classes);
    as_one_sample(pixels, S, x);
    std::copy(weights.buffers().begin(), weights.buffers().end(), buffers_.begin());
    run_forward<Net, S>(Forward<T>{1, x.data(), y.data(), weights.parameters().data(), buffers_.data(),
                                   saved_.data(), scratch_.data(), frozen_.get(), noise, workers_, &watch});
    if (watch.shape().is_flat || watch.shape().channels == 0)
      throw Error("grad-cam: layer '" + std::string(layer) + "' gives no image; choose one in front of it");
    std::fill(dy.begin(), dy.end(), T{0});
    dy[label] = 1;
    Net::template backward<S>(
        Backward<T>{1, x.data(), y.data(), dy.data(), dx.data(), weights.parameters().data(), buffers_.data(),
                    unused_.get(), saved_.data(), scratch_.data(), frozen_.get(), noise, workers_, &watch});
    const std::vector<T> small = watch.map();
    std::vector<T> map = enlarged<T>(small, watch.shape(), S);
    if (const T most = *std::max_element(map.begin(), map.end()); most > 0)
      for (T& value : map) value /= most;
    return map;
  }

 private:
  static constexpr std::size_t slots = slot_count<Net>.parameter_slots;
  static constexpr std::size_t classes = Net::out(S).size();

  Workers workers_;
  std::unique_ptr<bool[]> frozen_;   // all of them: no statistic moves, no parameter gets a gradient
  std::unique_ptr<T[]> unused_;      // where gradients would go: never touched, so no memory but addresses
  AlignedVector<T> buffers_;         // a copy, for layers may write theirs
  AlignedVector<T> input_, output_;  // and behind each the gradient by it
  AlignedVector<T> saved_, scratch_;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE LayerSlots slots_of_layer(const std::vector<PlacedSlot>& slots, std::string_view layer) {
  LayerSlots found;
  std::vector<std::string> outermost;
  std::size_t slot = 0;
  for (const PlacedSlot& placed : slots) {
    if (placed.is_buffer) continue;
    const std::string_view name = placed.name;
    if (name.starts_with(layer) && name.substr(layer.size()).starts_with('.') && found.count++ == 0)
      found.first = slot;
    ++slot;
    if (std::string first = placed.name.substr(0, name.find('.'));
        outermost.empty() || outermost.back() != first)
      outermost.push_back(std::move(first));
  }
  if (found.count > 0) return found;
  std::string known;
  for (const std::string& name : outermost) known.append(known.empty() ? "" : ", ").append(name);
  throw Error("grad-cam: no layer with parameters is called '" + std::string(layer) + "'; there are " +
              known + " and those inside them");
}
#endif

}  // namespace captcha
