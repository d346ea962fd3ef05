// Pictures of numbers, and many pictures on one sheet.
#pragma once

#include <captcha/data/image.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace captcha::app {

/// Values of any range as a grey picture: the smallest is black, the largest white. Grey if all are equal.
template <class Values>
Image stretched_picture(const Values& values, int height, int width) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const auto least = static_cast<float>(*low), range = static_cast<float>(*high) - least;
  Image picture{height, width, 1, {}};
  picture.pixels.reserve(values.size());
  for (const auto value : values) {
    const float share = range > 0 ? (static_cast<float>(value) - least) / range : 0.5f;
    picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * share)));
  }
  return picture;
}

/// A grey picture with its darkest pixel black and its lightest white, so that pictures which hold only the
/// values 0 and 1 can be seen too.
inline Image stretched(const Image& grey) {
  return stretched_picture(grey.pixels, grey.height, grey.width);
}

/// The same picture with every pixel `zoom` times as high and wide.
inline Image zoomed(const Image& picture, int zoom) {
  Image large{picture.height * zoom, picture.width * zoom, picture.channels, {}};
  large.pixels.reserve(picture.pixels.size() * static_cast<std::size_t>(zoom * zoom));
  for (int y = 0; y < large.height; ++y)
    for (int x = 0; x < large.width; ++x)
      for (int c = 0; c < large.channels; ++c) large.pixels.push_back(picture.at(y / zoom, x / zoom, c));
  return large;
}

/// A grey picture with three equal channels.
inline Image coloured(const Image& grey) {
  Image rgb{grey.height, grey.width, 3, {}};
  rgb.pixels.reserve(3 * grey.pixels.size());
  for (const std::uint8_t value : grey.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

/// Copies `picture` to (row, column) of a larger one with as many channels.
inline void place(Image& onto, const Image& picture, int row, int column) {
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < picture.channels; ++c) onto.at(row + y, column + x, c) = picture.at(y, x, c);
}

/// White paper of rows x columns places for pictures of that size, with a gap of two pixels between them.
class Sheet {
 public:
  Sheet(int rows, int columns, int height, int width, int channels = 1)
      : height_(height),
        width_(width),
        columns_(columns),
        image_{rows * (height + gap) + gap, columns * (width + gap) + gap, channels, {}} {
    image_.pixels.assign(static_cast<std::size_t>(image_.height) * static_cast<std::size_t>(image_.width) *
                             static_cast<std::size_t>(channels),
                         255);
  }
  /// Onto the next place, row by row.
  void add(const Image& picture) {
    place(image_, picture, gap + next_ / columns_ * (height_ + gap), gap + next_ % columns_ * (width_ + gap));
    ++next_;
  }
  void skip() { ++next_; }
  const Image& image() const { return image_; }

 private:
  static constexpr int gap = 2;
  int height_, width_, columns_, next_ = 0;
  Image image_;
};

}  // namespace captcha::app
