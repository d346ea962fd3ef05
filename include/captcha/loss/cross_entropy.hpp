// Softmax cross-entropy: how surprised the network is by the right class.
//
//   loss = - sum over n, c of q[n, c] * log softmax(logits)[n, c] / sum over n of weight[target[n]]
//   q[n, c] = weight[c] * ((1 - smoothing) * (c == target[n]) + smoothing / C)
//
// Label smoothing: Szegedy et al. 2015, arXiv:1512.00567. Same formula as torch.nn.CrossEntropyLoss.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/description.hpp>
#include <captcha/core/error.hpp>
#include <captcha/core/mixed.hpp>
#include <captcha/core/output.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// Targets are class numbers (int) or blends of two (Mixed<int>, see data/mixup.hpp).
struct CrossEntropy {
  float label_smoothing = 0;           ///< share of the target spread evenly over all classes
  std::vector<float> class_weights{};  ///< one a class, or empty for equal weights

  /// The mean loss of a batch. `gradient`, unless empty, receives the gradient by the logits. Error when a
  /// target is not a class, label_smoothing is no share, or the number of class weights is not that of the
  /// classes.
  template <class T, ClassTarget Target>
  double operator()(Outputs<const T> logits, std::span<const Target> targets, Outputs<T> gradient = {}) const;

  void describe(Description& description) const {
    description.add("loss", "cross-entropy");
    description.add("label smoothing", label_smoothing);
    for (const float weight : class_weights) description.add("class weight", weight);
  }

 private:
  struct Share {
    int label;
    double amount;
  };
  static std::array<Share, 1> shares_of(int label) { return {{{label, 1.0}}}; }
  static std::array<Share, 2> shares_of(const Mixed<int>& mixed) {
    const double first = static_cast<double>(mixed.weight);
    return {{{mixed.first, first}, {mixed.second, 1.0 - first}}};
  }
  template <std::size_t Count>
  static double share(const std::array<Share, Count>& shares, std::size_t label) {
    double sum = 0;
    for (const Share& s : shares)
      if (static_cast<std::size_t>(s.label) == label) sum += s.amount;
    return sum;
  }
  double weight(std::size_t label) const {
    return class_weights.empty() ? 1.0 : static_cast<double>(class_weights[label]);
  }
};

template <class T, ClassTarget Target>
double CrossEntropy::operator()(Outputs<const T> logits, std::span<const Target> targets,
                                Outputs<T> gradient) const {
  const std::size_t classes = logits.features();
  if (!class_weights.empty() && class_weights.size() != classes)
    throw Error("cross-entropy: " + std::to_string(class_weights.size()) + " class weights for " +
                std::to_string(classes) + " classes");
  if (!(label_smoothing >= 0 && label_smoothing < 1))
    throw Error("cross-entropy: label_smoothing is " + std::to_string(label_smoothing) +
                ", expected at least 0 and less than 1");
  double norm = 0;
  for (const Target& target : targets)
    for (const auto& [label, share] : shares_of(target))
      norm += share * weight(checked_class(label, classes));

  const double spread = static_cast<double>(label_smoothing) / static_cast<double>(classes);
  double loss = 0;
  for (std::size_t n = 0; n < targets.size(); ++n) {
    double top = static_cast<double>(logits(0, n));
    for (std::size_t c = 1; c < classes; ++c) top = std::max(top, static_cast<double>(logits(c, n)));
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(logits(c, n)) - top);
    const double log_sum = top + std::log(sum);

    const auto shares = shares_of(targets[n]);
    double total = 0;  // of q over the classes
    for (std::size_t c = 0; c < classes; ++c) {
      const double q = weight(c) * ((1.0 - static_cast<double>(label_smoothing)) * share(shares, c) + spread);
      total += q;
      loss += q * (log_sum - static_cast<double>(logits(c, n)));
      if (!gradient.values.empty()) gradient(c, n) = static_cast<T>(-q / norm);
    }
    if (!gradient.values.empty())
      for (std::size_t c = 0; c < classes; ++c)
        gradient(c, n) +=
            static_cast<T>(total * std::exp(static_cast<double>(logits(c, n)) - log_sum) / norm);
  }
  return loss / norm;
}

#if defined(CAPTCHA_COMPILED)
CAPTCHA_INSTANTIATE double CrossEntropy::operator()(Outputs<const float>, std::span<const int>,
                                                    Outputs<float>) const;
#endif

}  // namespace captcha
