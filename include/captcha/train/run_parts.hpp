// What fit hands to a run.
#pragma once

#include <captcha/data/loader.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/train/callback.hpp>
#include <captcha/train/samples.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace captcha {

/// What a run is given besides its options. The types of network, data sets and callbacks are forgotten here,
/// so that the run itself is compiled once for all of them.
template <class Target, class Metrics>
struct RunParts {
  WeightValues<float>& weights;
  WeightValues<float>* average;  ///< or null for a run that does not average
  std::unique_ptr<AnyTape<float>> tape;
  LoaderOf<Target> loader;
  /// The loss of the weights (their average, where there is one) on the validation data, which it adds to the
  /// metrics; empty for a run without.
  std::function<double(Metrics&, Workers&)> validate;
  std::size_t validation_samples;
  Hooks hooks;
  ModelInfo info;
  SampleName name;  ///< of a training sample
};

}  // namespace captcha
