// Data sets from xtensor arrays, and batches as xtensor views. Apart from the other data sets, because
// xtensor takes a second to compile.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/xtensor.hpp>
#include <captcha/data/arrays.hpp>
#include <captcha/data/batch.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// The inputs of a batch as an xtensor view with the axes (sample, channel, row, column).
template <class T, class Target>
auto batch_view(const Batch<T, Target>& batch) {
  return batch_view(batch.inputs().data(), batch.shape(), batch.size());
}

/// A data set from an xtensor array of inputs, of (N, C, H, W), or (N, features) for a flat shape, and a list
/// or one-dimensional array of N targets. Throws Error where the extents do not fit.
template <Shape S, class Element, std::size_t Rank, class Targets>
auto arrays(const xt::xtensor<Element, Rank>& inputs, const Targets& targets,
            std::vector<std::string> classes = {}) {
  using Target = typename Targets::value_type;
  std::vector<std::size_t> expected{inputs.shape()[0], static_cast<std::size_t>(S.channels)};
  if (!S.is_flat) {
    expected.push_back(static_cast<std::size_t>(S.height));
    expected.push_back(static_cast<std::size_t>(S.width));
  }
  if (!std::equal(expected.begin(), expected.end(), inputs.shape().begin(), inputs.shape().end())) {
    std::string extents;
    for (const std::size_t extent : inputs.shape())
      extents += (extents.empty() ? "" : " x ") + std::to_string(extent);
    throw Error("arrays: the inputs are " + extents + ", expected N x " + to_string(S));
  }
  return ArrayDataset<S, Target, Element>(std::vector<Element>(inputs.begin(), inputs.end()),
                                          std::vector<Target>(targets.begin(), targets.end()),
                                          std::move(classes));
}

}  // namespace captcha
