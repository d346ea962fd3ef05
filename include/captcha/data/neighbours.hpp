// Neighbours: samples as they look when they are cut out of a row, a little beside the mark.
#pragma once

#include <captcha/data/view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace captcha {

struct NeighboursOptions {
  int columns = 6;  ///< of a neighbour that show, from 1 to this many, and less than the image is wide
  float probability = 0.5f;
};

/// The data set with images moved sideways, and the edge of a random sample in the columns that become free.
template <class D>
class Neighbours : public View<Neighbours<D>, D> {
 public:
  Neighbours(std::shared_ptr<const D> data, NeighboursOptions options)
      : View<Neighbours, D>(std::move(data)), options_(options) {}

  Target<D> get(std::size_t index, std::span<float> pixels, Random& random) const {
    const Target<D> target = fetch(this->data(), index, pixels, random);
    const int most = std::min(options_.columns, D::shape.width - 1);
    if (most < 1 || !random.coin(options_.probability)) return target;
    const std::span<float> other = thread_buffer<Neighbours>(pixels.size());
    fetch(this->data(), random.below(static_cast<std::uint32_t>(this->size())), other, random);
    const auto shown = static_cast<std::ptrdiff_t>(1 + random.below(static_cast<std::uint32_t>(most)));
    const bool on_the_left = random.coin();
    constexpr std::ptrdiff_t width = D::shape.width;
    for (auto row = pixels.begin(), beside = other.begin(); row != pixels.end();
         row += width, beside += width)
      if (on_the_left) {
        std::copy_backward(row, row + width - shown, row + width);
        std::copy(beside + width - shown, beside + width, row);
      } else {
        std::copy(row + shown, row + width, row);
        std::copy(beside, beside + shown, row + width - shown);
      }
    return target;
  }

 private:
  NeighboursOptions options_;
};

/// Moves images of a row of things (characters, digits of a number) to either side, so that a strip of
/// a random sample shows beside them: its right edge on the left, its left edge on the right. All images
/// should have one range of brightness (see Stretch).
template <class D>
auto neighbours(D&& data, NeighboursOptions options = {}) {
  return Neighbours(hold(std::forward<D>(data)), options);
}

}  // namespace captcha
