// A batch: several samples in the memory order of the library, the sample index innermost.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// Copies `count` samples of (C, H, W) values, one behind the other in `from`, to the places first … first +
/// count - 1 of a batch of `samples` stored as [row][column][channel][sample]. For every pixel the values of
/// all `count` samples are written side by side: with 16 of them, one cache line.
template <class T>
void interleave(std::span<const T> from, Shape shape, std::size_t count, T* batch, std::size_t first,
                std::size_t samples) {
  const std::size_t channels = static_cast<std::size_t>(shape.channels);
  const std::size_t height = static_cast<std::size_t>(shape.height);
  const std::size_t width = static_cast<std::size_t>(shape.width);
  const std::size_t pixels = shape.size();
  for (std::size_t row = 0; row < height; ++row)
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const T* source = from.data() + (channel * height + row) * width;
      T* target = batch + (row * width * channels + channel) * samples + first;
      for (std::size_t column = 0; column < width; ++column, ++source, target += channels * samples)
        for (std::size_t sample = 0; sample < count; ++sample) target[sample] = source[sample * pixels];
    }
}

/// Up to `capacity` samples of one shape: inputs, targets, and their indices in the data set. All memory is
/// allocated once; the inputs start at a multiple of 64 bytes.
template <class T, class Target>
class Batch {
 public:
  Batch(Shape shape, std::size_t capacity)
      : shape_(shape), capacity_(capacity), inputs_(allocate(capacity * shape.size())) {
    targets_.reserve(capacity);
    indices_.reserve(capacity);
  }

  Shape shape() const { return shape_; }
  /// Samples in this batch: the last one of an epoch may be shorter than the others.
  std::size_t size() const { return targets_.size(); }

  /// The inputs as [row][column][channel][sample], with size() samples side by side.
  std::span<const T> inputs() const { return {inputs_.get(), size() * shape_.size()}; }
  std::span<const Target> targets() const { return targets_; }
  std::span<const std::size_t> indices() const { return indices_; }

  /// Refills the batch with the samples `indices`, at most `capacity` of them (else Error): `fetch(index,
  /// pixels)` writes one in (C, H, W) order and returns its target. `staging` holds `staged` samples between
  /// fetch and transposition. After an exception the batch is empty.
  template <class Fetch>
  void fill(std::span<const std::size_t> indices, std::span<T> staging, Fetch&& fetch) {
    targets_.clear();
    indices_.clear();
    if (indices.size() > capacity_)
      throw Error("batch: " + std::to_string(indices.size()) + " samples, made for at most " +
                  std::to_string(capacity_));
    indices_.assign(indices.begin(), indices.end());
    const std::size_t pixels = shape_.size();
    try {
      for (std::size_t first = 0; first < indices.size(); first += staged) {
        const std::size_t count = std::min(staged, indices.size() - first);
        for (std::size_t sample = 0; sample < count; ++sample)
          targets_.push_back(fetch(indices[first + sample], staging.subspan(sample * pixels, pixels)));
        interleave<T>(staging, shape_, count, inputs_.get(), first, indices.size());
      }
    } catch (...) {
      targets_.clear();
      indices_.clear();
      throw;
    }
  }

  /// Samples that are transposed together.
  static constexpr std::size_t staged = 16;

 private:
  static constexpr std::align_val_t alignment{64};
  struct Free {
    void operator()(T* memory) const { ::operator delete(memory, alignment); }
  };

  static T* allocate(std::size_t values) {
    T* memory = static_cast<T*>(::operator new(values * sizeof(T), alignment));
    return std::uninitialized_fill_n(memory, values, T{}) - values;
  }

  Shape shape_;
  std::size_t capacity_;
  std::unique_ptr<T[], Free> inputs_;
  std::vector<Target> targets_;
  std::vector<std::size_t> indices_;
};

}  // namespace captcha
