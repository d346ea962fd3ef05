// Predictions over a whole data set, and the loss and metrics of them.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/core/output.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/kernels/finite.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/weights.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <tuple>
#include <vector>

namespace captcha {

/// How a data set is walked through for prediction.
struct EvaluateOptions {
  std::size_t batch_size = 64;
  int loader_threads = 1;
};

/// Calls f(batch, outputs) for the batches of a data set in order, with what the network predicts for each.
template <class Net, Dataset D, class F>
void for_each_prediction(const Weights<Net>& weights, const D& data, EvaluateOptions options,
                         Workers& workers, F&& f) {
  const Loader loader(data, {.batch_size = options.batch_size, .threads = options.loader_threads});
  Inference<Net, D::shape> inference(
      static_cast<int>(std::min(options.batch_size, std::max<std::size_t>(data.size(), 1))));
  const auto packed = pack<D::shape>(weights);
  for (const auto& batch : loader.epoch(0)) {
    const auto values = inference(packed, batch.inputs().data(), static_cast<int>(batch.size()), workers);
    f(batch, Outputs<const float>{values, batch.size()});
  }
}

/// The mean loss over a data set; adds every batch to the metrics of the tuple. NotANumber, with the name of
/// the first sample whose outputs are not sound (see kernels/finite.hpp), or else whose own loss is none,
/// when the loss of a batch is none.
template <class Net, Dataset D, class L, class... Metrics>
double evaluate(const Weights<Net>& weights, const D& data, const L& loss, std::tuple<Metrics...>& metrics,
                EvaluateOptions options, Workers& workers) {
  double sum = 0;
  std::size_t seen = 0;
  for_each_prediction(weights, data, options, workers, [&](const auto& batch, Outputs<const float> outputs) {
    const double mean = loss(outputs, batch.targets(), Outputs<float>{});
    if (!std::isfinite(mean)) {
      std::vector<float> own(outputs.features());
      const auto first = [&](auto&& sound) {
        std::size_t n = 0;
        for (; n < batch.size(); ++n) {
          for (std::size_t f = 0; f < own.size(); ++f) own[f] = outputs(f, n);
          if (!sound(n)) break;
        }
        return n;
      };
      std::size_t n = first([&](std::size_t) { return all_sound(own.size(), own.data()); });
      if (n == batch.size())
        n = first([&](std::size_t sample) {
          return std::isfinite(
              loss(Outputs<const float>{own, 1}, batch.targets().subspan(sample, 1), Outputs<float>{}));
        });
      const std::size_t index = batch.indices()[std::min(n, batch.size() - 1)];
      throw NotANumber(
          "the loss of a sample that was not trained on is not a number: " + name_of(data, index), {index});
    }
    sum += mean * static_cast<double>(batch.size());
    seen += batch.size();
    std::apply([&](auto&... metric) { (metric.add(outputs, batch.targets()), ...); }, metrics);
  });
  return seen == 0 ? 0.0 : sum / static_cast<double>(seen);
}

}  // namespace captcha
