// A picture in the one form that the networks of the program take.
#pragma once

#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/image_error.hpp>
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace captcha::app {

/// A picture as a grey one of that height and width. `name` is what messages call it; other sizes are an
/// ImageError unless `resizes`.
inline Image grey_image(const Image& picture, Shape shape, const std::string& name, bool resizes) {
  Image image = picture.channels == 1 ? picture : to_grey(picture);
  if (image.height == shape.height && image.width == shape.width) return image;
  if (!resizes)
    throw ImageError(ImageFault::size,
                     name + ": " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                         " pixels (width x height), expected " + std::to_string(shape.width) + " x " +
                         std::to_string(shape.height) + "; use --resize to accept it");
  return resize(image, shape.height, shape.width);
}

/// Its pixels as values, prepared as in training.
inline void prepare(std::span<const std::uint8_t> pixels, Shape shape, std::span<float> values) {
  to_values(pixels, values);
  Random unused(0);
  Standardise{}(values, shape, unused);
}

}  // namespace captcha::app
