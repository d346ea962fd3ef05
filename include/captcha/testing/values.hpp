// Values to test with: random inputs, weights away from their special starting points, and the two orders of
// memory.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/model/weights.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// `count` values, uniform in [low, high).
template <class T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed, double low = -1, double high = 1) {
  Random random(seed, Purpose::test);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(low + (high - low) * static_cast<double>(random.uniform()));
  return values;
}

/// Weights as their layers describe them, but nothing at a value that hides mistakes: biases are not 0, norms
/// not 1, running statistics those of some data. Every parameter is moved by up to 0.3.
template <class L, class T = double>
Weights<L, T> varied_weights(std::uint64_t seed = 1) {
  Weights<L, T> weights(seed);
  std::uint64_t slot = 0;
  for (const PlacedSlot& placed : Weights<L, T>::slots()) {
    Random random(seed, Purpose::test, 1, slot++);
    for (T& value : weights.values(placed)) value += static_cast<T>(random.uniform(-0.3f, 0.3f));
  }
  return weights;
}

/// Calls f(position in (N, C, H, W), position in [row][column][channel][sample]) for every value of a batch.
template <class F>
void for_each_position(Shape shape, int samples, F&& f) {
  std::size_t position = 0;
  const auto at = [](int value) { return static_cast<std::size_t>(value); };
  for (int n = 0; n < samples; ++n)
    for (int c = 0; c < shape.channels; ++c)
      for (int i = 0; i < shape.height; ++i)
        for (int j = 0; j < shape.width; ++j)
          f(position++,
            ((at(i) * at(shape.width) + at(j)) * at(shape.channels) + at(c)) * at(samples) + at(n));
}

/// A batch (N, C, H, W) in the order that layers take.
template <class T, class U>
std::vector<T> to_layer_order(std::span<const U> images, Shape shape, int samples) {
  std::vector<T> batch(images.size());
  for_each_position(shape, samples, [&](std::size_t theirs, std::size_t ours) {
    batch[ours] = static_cast<T>(images[theirs]);
  });
  return batch;
}

/// A batch in the order of layers as (N, C, H, W).
template <class T, class U>
std::vector<T> from_layer_order(std::span<const U> batch, Shape shape, int samples) {
  std::vector<T> images(batch.size());
  for_each_position(shape, samples, [&](std::size_t theirs, std::size_t ours) {
    images[theirs] = static_cast<T>(batch[ours]);
  });
  return images;
}

/// "conv1.weight (3, 0, 1, 2)": the value at `index` of a slot, with PyTorch's axes.
inline std::string place_name(const PlacedSlot& placed, std::size_t index) {
  std::size_t position = 0;
  for_each_value(placed.slot, [&](std::size_t torch, std::size_t ours) {
    if (ours == index) position = torch;
  });
  std::string places;
  for (std::size_t axis = static_cast<std::size_t>(placed.slot.rank); axis-- > 0;) {
    const std::size_t extent = placed.slot.extent(axis);
    places = std::to_string(position % extent) + (places.empty() ? "" : ", ") + places;
    position /= extent;
  }
  return placed.name + " (" + places + ")";
}

/// "x (2, 0, 1, 4)": the value at `index` of a batch, as (sample, channel, row, column).
inline std::string place_name(Shape shape, int samples, std::size_t index) {
  const auto last = [&index](int extent) {
    const std::size_t place = index % static_cast<std::size_t>(extent);
    index /= static_cast<std::size_t>(extent);
    return std::to_string(place);
  };
  const std::string sample = last(samples), channel = last(shape.channels), column = last(shape.width),
                    row = last(shape.height);
  return "x (" + sample + ", " + channel + ", " + row + ", " + column + ")";
}

}  // namespace captcha
