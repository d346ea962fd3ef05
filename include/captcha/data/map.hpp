// A data set whose inputs pass through a function: map(data, f).
#pragma once

#include <captcha/data/view.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace captcha {

/// A pixel function changes one input, of at least one value, in place; its random numbers come from the
/// stream it is given. Pixels are in (C, H, W) order. It is called from several threads at once.
template <class F>
concept PixelFunction = requires(const F& function, std::span<float> pixels, Shape shape, Random& random) {
  function(pixels, shape, random);
};

/// The data set with every input passed through a function.
template <class D, PixelFunction F>
class Map : public View<Map<D, F>, D> {
 public:
  Map(std::shared_ptr<const D> data, F function)
      : View<Map, D>(std::move(data)), function_(std::move(function)) {}

  auto get(std::size_t index, std::span<float> pixels, Random& random) const {
    auto target = fetch(this->data(), index, pixels, random);
    function_(pixels, D::shape, random);
    return target;
  }

 private:
  F function_;
};

/// Passes every input through a pixel function: an augmentation, a normalisation, or a lambda
/// `[](std::span<float> pixels, Shape shape, Random& random) { … }`.
template <class D, PixelFunction F>
auto map(D&& data, F function) {
  return Map(hold(std::forward<D>(data)), std::move(function));
}

}  // namespace captcha
