// The only header that includes xtensor (its headers moved in 0.26: both layouts work), and the two views in
// which users see pixels.
#pragma once

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/core/xnoalias.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <captcha/core/error.hpp>
#include <captcha/core/shape.hpp>

#include <array>
#include <cstddef>
#include <ranges>
#include <string>

namespace captcha {

/// One image as an xtensor view with the axes (channel, row, column) over memory in that order; writable if
/// the pixels are. The view refers to the pixels and must not outlive them.
template <std::ranges::contiguous_range Pixels>
requires std::ranges::borrowed_range<Pixels>
auto image_view(Pixels&& pixels, Shape shape) {
  if (std::ranges::size(pixels) != shape.size())
    throw Error("image_view: " + std::to_string(std::ranges::size(pixels)) + " values, a " +
                to_string(shape) + " image has " + std::to_string(shape.size()));
  const std::array<std::size_t, 3> extents{static_cast<std::size_t>(shape.channels),
                                           static_cast<std::size_t>(shape.height),
                                           static_cast<std::size_t>(shape.width)};
  auto* first = std::ranges::data(pixels);
  return xt::adapt(+first, shape.size(), xt::no_ownership(), extents);
}

/// A batch as an xtensor view with the axes (sample, channel, row, column) over memory stored as
/// [row][column][channel][sample]; writable if T is not const. `data` holds samples * shape.size() values and
/// must outlive the view.
template <class T>
auto batch_view(T* data, Shape shape, std::size_t samples) {
  const std::size_t channels = static_cast<std::size_t>(shape.channels);
  const std::size_t width = static_cast<std::size_t>(shape.width);
  const std::array<std::size_t, 4> extents{samples, channels, static_cast<std::size_t>(shape.height), width};
  std::array<std::size_t, 4> strides{1, samples, channels * width * samples, channels * samples};
  for (std::size_t axis = 0; axis < strides.size(); ++axis)
    if (extents[axis] == 1) strides[axis] = 0;  // what xtensor expects of an axis that broadcasts
  // A view, because assigning to an adaptor itself would replace its strides by those of the right side.
  return xt::view(xt::adapt(+data, samples * shape.size(), xt::no_ownership(), extents, strides), xt::all(),
                  xt::all(), xt::all(), xt::all());
}

}  // namespace captcha
