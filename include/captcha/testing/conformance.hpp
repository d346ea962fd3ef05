// Checks that a layer keeps the contract of core/layer.hpp: what it may read and write, and that its results
// depend on nothing else.
#pragma once

#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/testing/guarded.hpp>
#include <captcha/testing/survives.hpp>
#include <captcha/testing/values.hpp>

#include <signal.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha {

/// What to expect of a layer.
struct ConformanceOptions {
  std::uint64_t seed = 1;
  double low = -1;  ///< inputs are uniform between low and high
  double high = 1;
};

/// The breaches of the contract, a line each.
struct ConformanceReport {
  std::string message;

  bool ok() const { return message.empty(); }
};

/// Everything about a layer that depends on its type, so that the check itself is compiled only once.
template <class T>
struct ConformanceSubject {
  Shape in;
  Shape out;
  Reads reads;
  Footprint saved;
  std::array<Footprint, 3> scratch;  ///< by Pass
  std::span<const PlacedSlot> slots;
  std::vector<T> parameters;
  std::vector<T> buffers;
  bool adds;           ///< see Infer
  std::size_t packed;  ///< values
  void (*pack)(const Pack<T>&);
  void (*infer)(const Infer<T>&);
  void (*forward)(const Forward<T>&);
  void (*backward)(const Backward<T>&);
};

/// One check; `check_conformance` below runs it.
template <class T>
class ConformanceCheck {
 public:
  ConformanceCheck(ConformanceSubject<T> subject, const ConformanceOptions& options)
      : subject_(std::move(subject)), options_(options) {}

  ConformanceReport run() {
    for (const int samples : {1, 2, 5, 16}) check_threads(samples);
    check_poison();
    check_samples_apart();
    check_frozen();
    if (subject_.adds) check_adds();
    return {breaches_};
  }

 private:
  struct Setting {
    int samples = 2;
    int threads = 1;
    T poison = std::numeric_limits<T>::quiet_NaN();  ///< what memory holds that must not be read
    bool wants_dx = true;
    bool adds = false;       ///< whether infer is to add something and to rectify
    bool noise_off = false;  ///< whether forward and backward are to draw no random numbers
    std::function<bool(std::size_t slot)> frozen = [](std::size_t) { return false; };
  };
  /// What a prediction and a training step gave.
  struct Result {
    std::vector<T> prediction, y, buffers, dx, gradients;
  };

  // --- the checks ---

  void check_threads(int samples) {
    const Result one = step({.samples = samples});
    const std::string with = std::to_string(samples) + " samples: ";
    each_part(one, one, [&](std::string_view part, const auto& values, const auto&) {
      if (!std::ranges::all_of(values, [](T value) { return std::isfinite(value); }))
        breach(with + "not-a-number in " + std::string(part) +
               ": some of it was not written, or something was read that is not declared (reads), not "
               "written before, or outside its region");
    });
    for (const int threads : {2, 3, 4, 7})
      expect_equal(one, step({.samples = samples, .threads = threads}),
                   with + "1 and " + std::to_string(threads) + " threads give different bits in ");
  }

  void check_poison() {
    const Result one = step({});
    expect_equal(one, step({.poison = T{-7}}), "the result depends on what undefined memory holds: ");
    if (!survives([&] { step({.wants_dx = false}); }))
      return breach(
          "backward crashes where dx is null; begin it with: if (!call.dx) return; (or leave out "
          "only what writes dx, if the layer has parameters)");
    Result without = step({.wants_dx = false});
    without.dx = one.dx;
    expect_equal(one, without, "backward without dx changes ");
  }

  /// A sample is predicted as it is alone; to rounding, because products of other sizes round otherwise.
  void check_samples_apart() {
    constexpr int samples = 5;
    const std::vector<T> together = step({.samples = samples}).prediction;
    for (int n = 0; n < samples; ++n) {
      const std::vector<T> alone = step({.samples = 1}, n, samples).prediction;
      std::vector<T> part(alone.size());
      for (std::size_t i = 0; i < part.size(); ++i)
        part[i] = together[i * samples + static_cast<std::size_t>(n)];
      if (!close(alone, part)) breach("infer gives a sample another output when others are beside it");
    }
  }

  void check_adds() {
    std::vector<T> expected = step({}).prediction;
    const std::vector<T> added = addend(expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = std::max(expected[i] + added[i], T{0});
    if (!close(step({.adds = true}).prediction, expected))
      breach("infer does not add or rectify what it is given, though the layer says that it `adds`");
  }

  void check_frozen() {
    const Result all = step({.noise_off = true, .frozen = [](std::size_t) { return true; }});
    if (!same(all.buffers, subject_.buffers))
      breach("forward changes buffers though every parameter is frozen");
    if (!close(all.prediction, all.y))
      breach("infer and forward differ though every parameter is frozen and noise is off");
    std::size_t index = 0;
    for (const PlacedSlot& placed : subject_.slots) {
      if (placed.is_buffer) continue;
      const Result one = step({.frozen = [index](std::size_t slot) { return slot == index; }});
      ++index;
      for (std::size_t i = placed.offset; i < placed.offset + placed.slot.size(); ++i)
        if (all.gradients[i] != start_gradient || one.gradients[i] != start_gradient)
          return breach(place_name(placed, i - placed.offset) + ": frozen, but backward wrote its gradient");
    }
  }

  // --- one prediction and one training step on guarded memory ---

  static constexpr T start_gradient{3};

  /// The inputs of a batch, or with `of` only sample `only` of that many.
  Guarded<T> inputs(int samples, int only, int of) const {
    const auto count = static_cast<std::size_t>(of ? of : samples);
    const auto all = random_values<T>(subject_.in.size() * count, options_.seed, options_.low, options_.high);
    if (!of) return Guarded<T>(std::span(all));
    Guarded<T> one(subject_.in.size(), T{});
    for (std::size_t i = 0; i < one.values().size(); ++i)
      one.values()[i] = all[i * count + static_cast<std::size_t>(only)];
    return one;
  }

  Result step(const Setting& setting, int only = 0, int of = 0) {
    const int samples = setting.samples;
    const std::size_t outputs = subject_.out.size() * static_cast<std::size_t>(samples);
    const auto undefined = [&](std::size_t size) { return Guarded<T>(size, setting.poison); };
    const auto scratch = [&](Pass pass) {
      return undefined(subject_.scratch[static_cast<std::size_t>(pass)].values(samples));
    };
    Guarded<T> x = inputs(samples, only, of), dx = undefined(x.values().size()), hidden_x = dx;
    Guarded<T> y = undefined(outputs), prediction = y, hidden_y = y;
    Guarded<T> dy(std::span<const T>(random_values<T>(outputs, options_.seed + 1)));
    Guarded<T> parameters(std::span<const T>(subject_.parameters)),
        buffers(std::span<const T>(subject_.buffers));
    Guarded<T> gradients(subject_.parameters.size(), start_gradient),
        saved = undefined(subject_.saved.values(samples));
    Guarded<T> infer_scratch = scratch(Pass::infer), forward_scratch = scratch(Pass::forward),
               backward_scratch = scratch(Pass::backward);
    const auto frozen = std::make_unique<bool[]>(subject_.slots.size());
    for (std::size_t slot = 0; slot < subject_.slots.size(); ++slot) frozen[slot] = setting.frozen(slot);
    const Noise noise{.seed = options_.seed, .step = 1, .off = setting.noise_off};
    Workers workers(setting.threads);

    Guarded<T> packed = undefined(subject_.packed), add(std::span<const T>(addend(outputs)));
    subject_.pack({parameters.data(), buffers.data(), packed.data(), workers});
    subject_.infer({samples, x.data(), prediction.data(), packed.data(), nullptr, infer_scratch.data(),
                    workers, setting.adds ? add.data() : nullptr, setting.adds});
    subject_.forward({samples, x.data(), y.data(), parameters.data(), buffers.data(), saved.data(),
                      forward_scratch.data(), frozen.get(), noise, workers});
    subject_.backward(
        {samples, (subject_.reads.input ? x : hidden_x).data(), (subject_.reads.output ? y : hidden_y).data(),
         dy.data(), setting.wants_dx ? dx.data() : nullptr, parameters.data(), buffers.data(),
         gradients.data(), saved.data(), backward_scratch.data(), frozen.get(), noise, workers});

    const auto expect_intact = [&](Guarded<T>& region, const std::string& name) {
      if (!region.intact()) breach("a call writes beside " + name);
    };
    expect_intact(packed, "its packed weights; `packed` must ask for more");
    expect_intact(prediction, "y, in infer");
    expect_intact(y, "y, in forward");
    expect_intact(buffers, "its buffers");
    expect_intact(saved, "its saved region; `saved` must ask for more");
    expect_intact(dx, "dx");
    expect_intact(gradients, "its gradients");
    expect_intact(infer_scratch, "its scratch, in infer; `scratch` must ask for more");
    expect_intact(forward_scratch, "its scratch, in forward; `scratch` must ask for more");
    expect_intact(backward_scratch, "its scratch, in backward; `scratch` must ask for more");
    return {prediction.copy(), y.copy(), buffers.copy(), dx.copy(), gradients.copy()};
  }

  std::vector<T> addend(std::size_t size) const { return random_values<T>(size, options_.seed + 2); }

  // --- comparing ---

  /// The same to rounding: products of other sizes, and folded weights, round otherwise.
  static bool close(const std::vector<T>& a, const std::vector<T>& b) {
    T largest{0};
    for (const T value : b) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!(std::abs(a[i] - b[i]) <= T(1e-3) * largest)) return false;
    return a.size() == b.size();
  }

  template <class F>
  static void each_part(const Result& a, const Result& b, F&& f) {
    f("the output of infer", a.prediction, b.prediction);
    f("the output of forward", a.y, b.y);
    f("the buffers", a.buffers, b.buffers);
    f("dx", a.dx, b.dx);
    f("the gradients", a.gradients, b.gradients);
  }
  static bool same(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
  }
  void expect_equal(const Result& a, const Result& b, const std::string& breach_text) {
    each_part(a, b, [&](std::string_view part, const auto& first, const auto& second) {
      if (!same(first, second)) breach(breach_text + std::string(part));
    });
  }
  void breach(const std::string& text) {
    if (breaches_.find(text) == std::string::npos) breaches_ += text + "\n";
  }

  ConformanceSubject<T> subject_;
  ConformanceOptions options_;
  std::string breaches_;
};

/// Checks that L keeps the contract of a layer on samples of shape S, for 1, 2, 5 and 16 of them:
///   const auto report = captcha::check_conformance<MyLayer, captcha::chw(3, 5, 4)>();
///   REQUIRE(report.ok());  // or print report.message
/// - writes stay inside y, dx, gradients, buffers and the declared `saved` and `scratch`;
/// - nothing is read that is undefined: scratch, saved before forward, x and y in backward unless `reads`
///   declares them (all of it holds not-a-number, or another value: the results are the same bits);
/// - every value of y and dx is written; 1, 2, 3, 4 and 7 threads give the same bits;
/// - backward without dx gives the same gradients;
/// - a frozen parameter gets no gradient; with all frozen and noise off, buffers stay and forward gives what
///   infer gives;
/// - infer treats each sample as if it were alone.
template <Layer L, Shape S, class T = float>
ConformanceReport check_conformance(const ConformanceOptions& options = {}) {
  static_assert(check_shapes<L, S>());
  const auto weights = varied_weights<L, T>(options.seed);
  return ConformanceCheck<T>(
             {S,
              L::out(S),
              L::reads,
              L::saved(S),
              {L::scratch(S, Pass::infer), L::scratch(S, Pass::forward), L::scratch(S, Pass::backward)},
              weights.slots(),
              {weights.parameters().begin(), weights.parameters().end()},
              {weights.buffers().begin(), weights.buffers().end()},
              Adds<L>,
              packed_values<L, T>(S),
              [](const Pack<T>& call) { run_pack<L, S>(call); },
              [](const Infer<T>& call) { run_infer<L, S>(call); },
              [](const Forward<T>& call) { run_forward<L, S>(call); },
              [](const Backward<T>& call) { L::template backward<S>(call); }},
             options)
      .run();
}

}  // namespace captcha
