// Checks the backward of a layer or network against differences of its forward, in double.
//
// The loss is a random weighting of the output: loss(x, weights) = sum over i of r[i] * y[i]. For the input
// and every parameter array, backward's gradient is compared
//   - with the derivative along a random direction, in which every entry of the array takes part;
//   - with the derivatives by single entries: all of them, or a random choice where there are many.
// A derivative is measured with steps h and h / 2 (central differences, extrapolated). Where the two
// disagree, as near the kink of a ReLU or a tie in a max-pooling, h is made smaller until they agree.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/testing/values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// With what a gradient is checked.
struct GradientOptions {
  int samples = 3;
  std::uint64_t seed = 1;
  double low = -1;  ///< inputs are uniform between low and high
  double high = 1;
  bool frozen = false;       ///< freeze all parameters: none may get a gradient, that by x must be right
  std::size_t entries = 64;  ///< of each array that are checked one by one
  double tolerance = 1e-6;   ///< largest error, relative to the entry or the rms of its array
};

/// What came of it. `message` names the worst entry, or says what else is wrong:
///   conv1.weight (3, 0, 1, 2): backward says 0.25, differences say 0.5; error 0.5, at most 1e-06
struct GradientReport {
  bool passed = true;
  std::size_t derivatives = 0;  ///< how many were measured
  double error = 0;             ///< the worst of them
  std::string message;

  bool ok() const { return passed; }
};

/// Everything about a network that depends on its type, so that the check itself is compiled only once.
struct GradientSubject {
  Shape in;
  Shape out;
  std::span<const PlacedSlot> slots;
  std::span<double> parameters;  ///< moved a little for each derivative
  std::function<std::span<const double>(const double* x)> forward;
  /// Overwrites dx and adds to gradients, given the x of the last forward.
  std::function<void(const double* x, const double* dy, double* gradients, double* dx)> backward;
};

/// One check; `check_gradients` below runs it.
class GradientCheck {
 public:
  GradientCheck(GradientSubject subject, const GradientOptions& options)
      : subject_(std::move(subject)),
        options_(options),
        x_(random_values<double>(batch(subject_.in), options.seed, options.low, options.high)),
        loss_(random_values<double>(batch(subject_.out), options.seed + 1)) {}

  GradientReport run() {
    run_backward();
    if (!report_.passed) return report_;
    // An array far below the others (a bias in front of a batch norm: its gradient is 0) is judged beside a
    // thousandth of the largest.
    double largest = rms(dx_);
    each_parameter(
        [&](const PlacedSlot& slot) { largest = std::max(largest, rms(part(Values(gradient_), slot))); });
    floor_ = std::max(1e-3 * largest, 1e-6);

    check(x_, dx_, [&](std::size_t i) { return place_name(subject_.in, options_.samples, i); });
    if (!options_.frozen)
      each_parameter([&](const PlacedSlot& slot) {
        check(part(subject_.parameters, slot), part(Values(gradient_), slot),
              [&](std::size_t i) { return place_name(slot, i); });
      });
    return report_;
  }

 private:
  using Values = std::span<const double>;
  using Vector = std::vector<double>;

  /// Fills dx_ and gradient_. Backward runs twice, on a dx that holds not-a-number and on gradients that do
  /// not start at 0, so that places that are left out, or not added to, show.
  void run_backward() {
    subject_.forward(x_.data());
    const Vector before = random_values<double>(subject_.parameters.size(), options_.seed + 2);
    Vector sums = before;
    const auto backward = [&] {
      Vector dx(x_.size(), std::numeric_limits<double>::quiet_NaN());
      subject_.backward(x_.data(), loss_.data(), sums.data(), dx.data());
      return dx;
    };
    dx_ = backward();
    const Vector between = sums;
    const Vector again = backward();

    for (std::size_t i = 0; i < dx_.size(); ++i) {
      if (std::isnan(dx_[i]))
        fail(place_name(subject_.in, options_.samples, i) +
             ": backward left dx out here, added to it, or made it not-a-number (does `reads` declare what "
             "it reads?)");
      else if (dx_[i] != again[i])
        fail(place_name(subject_.in, options_.samples, i) + ": a second backward gives another dx");
    }
    gradient_.resize(sums.size());
    each_parameter([&](const PlacedSlot& slot) {
      for (std::size_t i = slot.offset; i < slot.offset + slot.slot.size(); ++i) {
        const double first = between[i] - before[i];
        const double second = sums[i] - between[i];
        if (options_.frozen && first != 0)
          fail(place_name(slot, i - slot.offset) + ": frozen, but backward wrote its gradient");
        else if (!(std::abs(first - second) <= 1e-9 * (1 + std::abs(second))))
          fail(place_name(slot, i - slot.offset) +
               ": backward must add to the gradient; run twice, it added " + text(first) + ", then " +
               text(second));
        gradient_[i] = first;
      }
    });
  }

  /// (loss(values + step * direction) - loss(values - step * direction)) / (2 step). The outputs are
  /// subtracted before they are summed, so that their sum does not drown the difference.
  double difference(std::span<double> values, Values direction, double step) {
    const Vector centre(values.begin(), values.end());
    const auto outputs_at = [&](double offset) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = centre[i] + offset * direction[i];
      return subject_.forward(x_.data());
    };
    const auto high = outputs_at(step);
    const Vector above(high.begin(), high.end());
    const auto below = outputs_at(-step);
    double sum = 0;
    for (std::size_t i = 0; i < above.size(); ++i) sum += loss_[i] * (above[i] - below[i]);
    std::ranges::copy(centre, values.begin());
    return sum / (2 * step);
  }

  /// The derivative along `direction`; nothing when no step gives a steady one.
  std::optional<double> derivative(std::span<double> values, Values direction, double scale) {
    for (const double step : {1e-4, 1e-5, 1e-6, 1e-7}) {
      const double wide = difference(values, direction, step);
      const double narrow = difference(values, direction, step / 2);
      if (std::abs(wide - narrow) <= options_.tolerance / 4 * std::max(scale, std::abs(narrow)))
        return (4 * narrow - wide) / 3;
    }
    return std::nullopt;
  }

  /// Compares the gradient of one array with derivatives; name(i) is that of an entry.
  template <class EntryName>
  void check(std::span<double> values, Values gradient, EntryName&& name) {
    if (values.empty()) return;
    const double scale = std::max(rms(gradient), floor_);
    Random random(options_.seed, Purpose::test, 2, values.size());
    Vector direction(values.size());
    const double length = std::sqrt(static_cast<double>(values.size()));
    for (double& entry : direction) entry = (random.coin() ? 1 : -1) / length;
    compare(std::inner_product(direction.begin(), direction.end(), gradient.begin(), 0.0),
            derivative(values, direction, scale), scale,
            [&] { return name(0) + " and the rest of its array, along a random direction"; });

    std::vector<std::size_t> entries(values.size());
    std::iota(entries.begin(), entries.end(), std::size_t{0});
    if (entries.size() > options_.entries) {
      random.shuffle(std::span(entries));
      entries.resize(options_.entries);
    }
    const double one = 1;
    for (const std::size_t i : entries)
      compare(gradient[i], derivative(values.subspan(i, 1), Values(&one, 1), scale), scale,
              [&] { return name(i); });
  }

  template <class Describe>
  void compare(double analytic, std::optional<double> numeric, double scale, Describe&& describe) {
    ++report_.derivatives;
    double error = std::numeric_limits<double>::infinity();
    if (numeric && std::isfinite(analytic) && std::isfinite(*numeric))
      error = std::abs(analytic - *numeric) / std::max({scale, std::abs(analytic), std::abs(*numeric)});
    if (error <= report_.error) return;
    report_.error = error;
    report_.passed = error <= options_.tolerance;
    report_.message = describe() + ": backward says " + text(analytic) + ", differences say " +
                      (numeric ? text(*numeric) : "something else at every step (a kink or a jump)") +
                      "; error " + text(error) + ", at most " + text(options_.tolerance);
  }

  void fail(const std::string& message) {
    if (report_.passed) report_.message = message;
    report_.passed = false;
  }

  template <class F>
  void each_parameter(F&& f) const {
    for (const PlacedSlot& slot : subject_.slots)
      if (!slot.is_buffer) f(slot);
  }
  template <class T>
  static std::span<T> part(std::span<T> values, const PlacedSlot& slot) {
    return values.subspan(slot.offset, slot.slot.size());
  }
  std::size_t batch(Shape shape) const { return shape.size() * static_cast<std::size_t>(options_.samples); }

  static double rms(Values values) {
    const double sum = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
  }
  static std::string text(double value) {
    std::ostringstream out;
    out.precision(9);
    out << value;
    return out.str();
  }

  GradientSubject subject_;
  GradientOptions options_;
  Vector x_;
  Vector loss_;      ///< the weighting of the output
  Vector dx_;        ///< backward's gradient by x
  Vector gradient_;  ///< backward's gradient by the parameters
  double floor_ = 0;
  GradientReport report_;
};

/// Checks backward of a layer, composition or network with these weights, on random samples of shape S:
///   const auto report = captcha::check_gradients<MyLayer, captcha::chw(3, 5, 4)>();
///   REQUIRE(report.ok());  // or print report.message
/// L must be smooth at nearly every point; a function that jumps has no derivative to compare with.
template <Layer L, Shape S>
GradientReport check_gradients(const Weights<L, double>& weights, const GradientOptions& options = {}) {
  Weights<L, double> moved = weights;
  Weights<L, double> sums = Weights<L, double>::zeros();
  Tape<L, S, double> tape(options.samples);
  Workers workers;
  const Noise noise{options.seed, 1};
  // What backward finds for an input that it does not declare to read.
  const std::vector<double> undeclared(S.size() * static_cast<std::size_t>(options.samples),
                                       std::numeric_limits<double>::quiet_NaN());
  std::ranges::fill(tape.frozen(), options.frozen);
  const auto forward = [&](const double* x) {
    std::ranges::copy(weights.buffers(), moved.buffers().begin());  // running statistics stay as given
    return tape.forward(moved, x, options.samples, noise, workers);
  };
  const auto backward = [&](const double* x, const double* dy, double* gradients, double* dx) {
    std::ranges::copy_n(dy, std::ssize(tape.output_gradient(options.samples)),
                        tape.output_gradient(options.samples).begin());
    std::ranges::copy_n(gradients, std::ssize(sums.parameters()), sums.parameters().begin());
    tape.backward(moved, sums, L::reads.input ? x : undeclared.data(), options.samples, noise, workers, dx);
    std::ranges::copy(sums.parameters(), gradients);
  };
  return GradientCheck({S, L::out(S), moved.slots(), moved.parameters(), forward, backward}, options).run();
}

/// The same with random weights.
template <Layer L, Shape S>
GradientReport check_gradients(const GradientOptions& options = {}) {
  return check_gradients<L, S>(varied_weights<L>(options.seed), options);
}

}  // namespace captcha
