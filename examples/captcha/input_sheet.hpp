// Pictures of what the network is shown in training: images after they were altered.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/image.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace captcha::app {

/// Values of any range as a grey picture: the smallest is black, the largest white.
inline Image stretched_picture(std::span<const float> values, int height, int width) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float least = *low, range = *high - *low;
  Image picture{height, width, 1, {}};
  picture.pixels.reserve(values.size());
  for (const float value : values)
    picture.pixels.push_back(range > 0 ? static_cast<std::uint8_t>(std::lround(255 * (value - least) / range))
                                       : 128);
  return picture;
}

/// A grey image of a data set as it is shown in an epoch of a run with that seed (counted from 0).
template <class Data>
Image shown_picture(const Data& data, std::size_t index, std::uint64_t seed, std::size_t epoch) {
  static_assert(Data::shape.channels == 1);
  std::vector<float> pixels(Data::shape.size());
  Random random(seed, Purpose::augment, epoch, index);  // as the loader's
  fetch(data, index, pixels, random);
  return stretched_picture(pixels, Data::shape.height, Data::shape.width);
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
  const Image& image() const { return image_; }

 private:
  static constexpr int gap = 2;
  int height_, width_, columns_, next_ = 0;
  Image image_;
};

/// Up to 40 images, evenly picked from the whole data set.
template <class Data>
Image input_sheet(const Data& data, std::uint64_t seed, std::size_t epoch) {
  const std::size_t count = std::min<std::size_t>(data.size(), 40);
  Sheet sheet(4, 10, Data::shape.height, Data::shape.width);
  for (std::size_t i = 0; i < count; ++i)
    sheet.add(shown_picture(data, i * data.size() / count, seed, epoch));
  return sheet.image();
}

}  // namespace captcha::app
