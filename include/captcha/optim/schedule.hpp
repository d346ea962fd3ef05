// Schedules: the learning rate as a function of the progress, as a factor of the optimizer's.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <numbers>

namespace captcha {

/// How far a training run is. Steps count from 0.
struct Progress {
  std::size_t step = 0;
  std::size_t total = 1;  ///< steps of the whole run
  std::size_t steps_per_epoch = 1;
};

/// A schedule maps progress to a factor of the learning rate.
template <class S>
concept Schedule = requires(const S& schedule, Progress progress) {
  { schedule(progress) } -> std::convertible_to<double>;
};

/// Holds any schedule.
using AnySchedule = std::function<double(Progress)>;

/// The same rate from start to end.
struct ConstantRate {
  double operator()(Progress) const { return 1.0; }
};

/// Times `gamma` after every `epochs` epochs, as torch.optim.lr_scheduler.StepLR.
struct StepRate {
  std::size_t epochs = 10;
  double gamma = 0.1;
  double operator()(Progress p) const {
    const std::size_t epoch = p.step / std::max<std::size_t>(p.steps_per_epoch, 1);
    return std::pow(gamma, static_cast<double>(epoch / std::max<std::size_t>(epochs, 1)));
  }
};

/// From 1 to `floor` along half a cosine (Loshchilov and Hutter 2016, arXiv:1608.03983).
struct CosineRate {
  double floor = 0;
  double operator()(Progress p) const {
    return floor +
           (1 - floor) * 0.5 *
               (1 + std::cos(std::numbers::pi * static_cast<double>(p.step) / static_cast<double>(p.total)));
  }
};

/// Up from 1 / start_divisor to 1 over the first `rise` of the steps, then down to 1 / (start_divisor *
/// end_divisor), both along half a cosine (Smith and Topin 2017, arXiv:1708.07120), as
/// torch.optim.lr_scheduler.OneCycleLR without cycling the momentum.
struct OneCycle {
  double rise = 0.3;
  double start_divisor = 25;
  double end_divisor = 1e4;
  double operator()(Progress p) const {
    const double start = 1 / start_divisor, end = start / end_divisor;
    const double total = static_cast<double>(p.total), step = static_cast<double>(p.step);
    const double peak = rise * total - 1, last = total - 1;
    const auto between = [](double from, double to, double share) {
      return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * std::clamp(share, 0.0, 1.0)));
    };
    if (step <= peak && peak > 0) return between(start, 1, step / peak);
    return between(1, end, (step - peak) / std::max(last - peak, 1e-9));
  }
};

/// A straight rise from `from` to 1 over `steps` steps in front of another schedule, which then runs over the
/// steps that remain (Goyal et al. 2017, arXiv:1706.02677).
template <Schedule Then>
struct WarmUp {
  std::size_t steps = 100;
  double from = 0.01;
  Then then{};
  double operator()(Progress p) const {
    if (p.step < steps) return from + (1 - from) * static_cast<double>(p.step) / static_cast<double>(steps);
    return then({p.step - steps, p.total > steps ? p.total - steps : 1, p.steps_per_epoch});
  }
};

}  // namespace captcha
