// A data set whose images lie in the middle of a larger frame: pad<chw(1, 32, 32)>(data).
#pragma once

#include <captcha/data/view.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace captcha {

/// The data set with every image centred in a frame of shape S, filled with a constant.
template <class D, Shape S>
class Padded : public View<Padded<D, S>, D> {
  static_assert(S.channels == D::shape.channels && S.height >= D::shape.height && S.width >= D::shape.width,
                "pad: the frame needs the channels of the image and at least its height and width");

 public:
  static constexpr Shape shape = S;

  Padded(std::shared_ptr<const D> data, float fill) : View<Padded, D>(std::move(data)), fill_(fill) {}

  auto get(std::size_t index, std::span<float> pixels, Random& random) const {
    constexpr std::size_t width = static_cast<std::size_t>(D::shape.width);
    constexpr int top = (S.height - D::shape.height) / 2, left = (S.width - D::shape.width) / 2;
    const std::span<float> image = thread_buffer<Padded>(D::shape.size());
    auto target = fetch(this->data(), index, image, random);
    std::fill(pixels.begin(), pixels.end(), fill_);
    for (int channel = 0; channel < S.channels; ++channel)
      for (int row = 0; row < D::shape.height; ++row) {
        const auto from = static_cast<std::size_t>(channel * D::shape.height + row) * width;
        const auto to = static_cast<std::size_t>((channel * S.height + row + top) * S.width + left);
        std::copy_n(image.data() + from, width, pixels.data() + to);
      }
    return target;
  }

 private:
  float fill_;
};

/// Centres every image in a larger frame of `fill`; an odd margin is larger at the bottom and on the right.
template <Shape S, class D>
auto pad(D&& data, float fill = 0.0f) {
  return Padded<std::remove_cvref_t<D>, S>(hold(std::forward<D>(data)), fill);
}

}  // namespace captcha
