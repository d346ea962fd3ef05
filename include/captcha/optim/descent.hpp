// Descent: an optimizer at work on a network's weights, with its moments, its groups and gradient clipping.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/kernels/finite.hpp>
#include <captcha/kernels/sum.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/optim/groups.hpp>
#include <captcha/optim/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace captcha {

/// Applies optimizer O to a network's weights. Work is split into stretches of fixed size, so the result does
/// not depend on the number of threads.
template <Optimizer O, class T = float>
class Descent {
 public:
  /// For weights like these. Error as slot_settings.
  Descent(const O& optimizer, const WeightValues<T>& weights, const std::vector<ParameterGroup>& groups = {},
          bool decay_all = false);

  /// One flag a parameter slot; hand them to the tape.
  const std::vector<bool>& frozen() const { return frozen_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  std::span<WeightValues<T>> moments() { return moments_; }
  std::span<const WeightValues<T>> moments() const { return moments_; }

  /// The length of the gradient over all parameters that are trained.
  double gradient_norm(const WeightValues<T>& gradients, Workers& workers);

  /// One step with `rate_factor` times the optimizer's learning rate, on gradients scaled by
  /// `gradient_scale`, which are 0 afterwards. NotANumber that names the parameter when a gradient or what
  /// became of a parameter is not sound (see kernels/finite.hpp); some parameters have moved then, others
  /// not.
  void step(WeightValues<T>& weights, WeightValues<T>& gradients, double rate_factor, double gradient_scale,
            Workers& workers);

 private:
  static constexpr std::size_t stretch = std::size_t{1} << 15;  // a task
  // With gradient and moments within the first-level cache, so that looking at all of it, before and after it
  // is moved, costs nothing that could be measured.
  static constexpr std::size_t piece = std::size_t{1} << 10;
  struct Stretch {
    std::size_t offset;
    std::size_t size;
    SlotSettings settings;
  };
  enum class Fault : char { none, parameter, gradient };  // the later, the nearer to its cause
  /// Moves the parameters from `offset` on, those of one of the pieces that a stretch is cut into.
  Fault move(WeightValues<T>& weights, WeightValues<T>& gradients, std::size_t offset, std::size_t size,
             const SlotSettings& settings, double rate_factor, double gradient_scale);
  [[noreturn]] void fail(const WeightValues<T>& weights, const WeightValues<T>& gradients) const;

  O optimizer_;
  std::vector<WeightValues<T>> moments_;
  std::vector<bool> frozen_;
  std::vector<Stretch> stretches_;
  std::vector<double> squares_;
  std::vector<Fault> faults_;
  std::int64_t steps_ = 0;
};

template <Optimizer O, class T>
Descent<O, T>::Descent(const O& optimizer, const WeightValues<T>& weights,
                       const std::vector<ParameterGroup>& groups, bool decay_all)
    : optimizer_(optimizer) {
  moments_.reserve(O::moments);
  for (int i = 0; i < O::moments; ++i) moments_.push_back(weights.zeros_like());
  const std::vector<SlotSettings> settings =
      slot_settings(weights.slots(), optimizer.weight_decay, decay_all, groups);
  for (const PlacedSlot& placed : weights.slots()) {
    if (placed.is_buffer) continue;
    const SlotSettings& slot = settings[frozen_.size()];
    frozen_.push_back(slot.frozen);
    for (std::size_t begin = 0; !slot.frozen && begin < placed.slot.size(); begin += stretch)
      stretches_.push_back({placed.offset + begin, std::min(stretch, placed.slot.size() - begin), slot});
  }
  squares_.resize(stretches_.size());
  faults_.resize(stretches_.size());
}

template <Optimizer O, class T>
double Descent<O, T>::gradient_norm(const WeightValues<T>& gradients, Workers& workers) {
  workers.run(static_cast<int>(stretches_.size()), [&](int task) {
    const Stretch& s = stretches_[static_cast<std::size_t>(task)];
    squares_[static_cast<std::size_t>(task)] = sum_squares(s.size, gradients.parameters().data() + s.offset);
  });
  double sum = 0;
  for (const double square : squares_) sum += square;
  return std::sqrt(sum);
}

template <Optimizer O, class T>
void Descent<O, T>::step(WeightValues<T>& weights, WeightValues<T>& gradients, double rate_factor,
                         double gradient_scale, Workers& workers) {
  ++steps_;
  workers.run(static_cast<int>(stretches_.size()), [&](int task) {
    const Stretch& s = stretches_[static_cast<std::size_t>(task)];
    Fault worst = Fault::none;
    for (std::size_t begin = 0; begin < s.size; begin += piece)
      worst = std::max(worst, move(weights, gradients, s.offset + begin, std::min(piece, s.size - begin),
                                   s.settings, rate_factor, gradient_scale));
    faults_[static_cast<std::size_t>(task)] = worst;
  });
  if (std::any_of(faults_.begin(), faults_.end(), [](Fault fault) { return fault != Fault::none; }))
    fail(weights, gradients);
}

template <Optimizer O, class T>
auto Descent<O, T>::move(WeightValues<T>& weights, WeightValues<T>& gradients, std::size_t offset,
                         std::size_t size, const SlotSettings& settings, double rate_factor,
                         double gradient_scale) -> Fault {
  T* const gradient = gradients.parameters().data() + offset;
  if (!all_sound(size, gradient)) return Fault::gradient;
  if (gradient_scale != 1)
    for (std::size_t i = 0; i < size; ++i) gradient[i] *= static_cast<T>(gradient_scale);
  const auto moment = [&](std::size_t i) {
    return i < moments_.size() ? moments_[i].parameters().data() + offset : nullptr;
  };
  const std::span<T> parameters = weights.parameters().subspan(offset, size);
  optimizer_.update(Update<T>{parameters, gradient, moment(0), moment(1),
                              static_cast<T>(static_cast<double>(optimizer_.learning_rate) * rate_factor *
                                             static_cast<double>(settings.rate)),
                              static_cast<T>(settings.weight_decay), steps_});
  std::fill_n(gradient, size, T{0});
  return all_sound(size, parameters.data()) ? Fault::none : Fault::parameter;
}

template <Optimizer O, class T>
void Descent<O, T>::fail(const WeightValues<T>& weights, const WeightValues<T>& gradients) const {
  // Backward goes from the last layer to the first: the last gradient that is wrong was the first to be so.
  std::size_t index = faults_.size() - 1;
  while (index > 0 && faults_[index] == Fault::none) --index;
  const bool gradient = faults_[index] == Fault::gradient;
  const auto placed = std::find_if(weights.slots().begin(), weights.slots().end(), [&](const PlacedSlot& p) {
    return !p.is_buffer && stretches_[index].offset < p.offset + p.slot.size();
  });
  const auto values = (gradient ? gradients : weights).values(*placed);
  throw NotANumber((gradient ? "the gradient of " : "the update of ") + placed->name +
                   " is not a number, or too large, in " +
                   std::to_string(count_unsound(values.size(), values.data())) + " of its " +
                   std::to_string(values.size()) + " values");
}

}  // namespace captcha
