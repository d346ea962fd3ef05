// The shape of one sample as a value that may be a template argument.
#pragma once

#include <cstddef>
#include <string>

namespace captcha {

/// The shape of one sample: an image of (C, H, W), or a flat vector of C features. The number of samples N
/// is never part of a shape: it is known at run time only, and the same code serves every batch size.
struct Shape {
  int channels = 0;
  int height = 1;
  int width = 1;
  bool is_flat = false;

  /// Values a sample holds.
  constexpr std::size_t size() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

/// An image of C channels, H rows and W columns.
constexpr Shape chw(int channels, int height, int width) {
  return {channels, height, width, false};
}
/// A vector of features.
constexpr Shape flat(int features) {
  return {features, 1, 1, true};
}

/// "1 x 52 x 32" for an image, "20" for a flat vector.
inline std::string to_string(Shape shape) {
  std::string text = std::to_string(shape.channels);
  if (!shape.is_flat) text += " x " + std::to_string(shape.height) + " x " + std::to_string(shape.width);
  return text;
}

}  // namespace captcha
