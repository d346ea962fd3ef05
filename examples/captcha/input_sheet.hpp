// Pictures of what the network is shown in training: images after they were altered.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/image.hpp>

#include "picture_sheet.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace captcha::app {

/// A grey image of a data set as it is shown in an epoch of a run with that seed (counted from 0).
template <class Data>
Image shown_picture(const Data& data, std::size_t index, std::uint64_t seed, std::size_t epoch) {
  static_assert(Data::shape.channels == 1);
  std::vector<float> pixels(Data::shape.size());
  Random random(seed, Purpose::augment, epoch, index);  // as the loader's
  fetch(data, index, pixels, random);
  return stretched_picture(pixels, Data::shape.height, Data::shape.width);
}

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
