// Every convolution of ResNet-18 on 1 x 52 x 32 images: forward, and backward by input and by weight, one
// thread, in GFLOP/s of needed work (multiply-adds that fall on padding are not counted) and as a share of
// what multiply-adds between registers reach. The short algorithm multiplies less than needed, and may
// pass 1.
#include <captcha/core/aligned.hpp>
#include <captcha/kernels/convolution.hpp>
#include <captcha/kernels/registers.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace {

using namespace captcha;

struct Case {
  const char* name;
  int in, out, height, width, kernel, stride;
};
constexpr Case cases[] = {{"conv1", 1, 64, 52, 32, 7, 2},     {"layer1", 64, 64, 13, 8, 3, 1},
                          {"layer2.0", 64, 128, 13, 8, 3, 2}, {"layer2.0.downsample", 64, 128, 13, 8, 1, 2},
                          {"layer2", 128, 128, 7, 4, 3, 1},   {"layer3.0", 128, 256, 7, 4, 3, 2},
                          {"layer3", 256, 256, 4, 2, 3, 1},   {"layer4.0", 256, 512, 4, 2, 3, 2},
                          {"layer4", 512, 512, 2, 1, 3, 1}};

ConvGeometry geometry(const Case& c, int samples) {
  const auto axis = [&](int length) {
    const int padding = c.kernel / 2;
    return Axis{length, Axis::length(length, c.kernel, c.stride, padding, 1), c.kernel, c.stride, padding, 1};
  };
  return {samples, c.in, c.out, 1, axis(c.height), axis(c.width)};
}

/// Multiply-adds that are not on padding.
double needed(const ConvGeometry& g) {
  const auto reached = [](const Axis& axis) {
    int count = 0;
    for (int position = 0; position < axis.out; ++position) {
      const Slice taps = axis.taps(position);
      count += taps.end - taps.begin;
    }
    return count;
  };
  return 1.0 * reached(g.rows) * reached(g.columns) * g.in_channels * g.out_channels * g.samples;
}

/// Multiply-adds between registers and nothing else: enough sums side by side to hide their latency.
struct RegisterSums {
  static constexpr int sums = 14, rounds = 1 << 20;
  float* result;
  double* operations;

  template <int Bytes>
  [[gnu::always_inline]] inline void operator()() const {
    using Vector = typename Lanes<float, Bytes / 4>::type;
    Vector sum[sums];
    for (int i = 0; i < sums; ++i)
      sum[i] = Vector{} + *result * static_cast<float>(i);  // or equal sums were one
    const Vector factor = Vector{} + *result, term = Vector{} + 0.5f;
    for (int round = 0; round < rounds; ++round)
      for (Vector& s : sum) s = s * factor + term;
    for (const Vector& s : sum) *result += s[0];
    *operations = 2.0 * sums * rounds * (Bytes / 4);
  }
};

/// GFLOP/s of one core at its best, measured once.
double peak() {
  static const double measured = [] {
    double best = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {
      float result = 1e-3f;
      double operations = 0;
      const auto start = std::chrono::steady_clock::now();
      on_registers(RegisterSums{&result, &operations});
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      benchmark::DoNotOptimize(result);
      best = std::max(best, 1e-9 * operations / elapsed.count());
    }
    return best;
  }();
  return measured;
}

enum class Way { forward, by_input, by_weight };

void run_case(benchmark::State& state, const Case& c, Way way) {
  const ConvGeometry g = geometry(c, static_cast<int>(state.range(0)));
  const auto values = [](std::ptrdiff_t count) {
    AlignedVector<float> made(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
    return made;
  };
  const auto x = values(g.in(g.rows.in, 0)), dy = values(g.out(g.rows.out, 0));
  const auto w = values(std::ptrdiff_t{c.in} * c.out * g.taps());
  auto y = dy, dx = x, dw = w;
  const ConvScratch forward = conv_forward_scratch(g), backward = conv_backward_scratch(g);
  auto scratch = values(static_cast<std::ptrdiff_t>(std::max(forward.per_batch, backward.per_batch) +
                                                    std::max(forward.per_sample, backward.per_sample) *
                                                        static_cast<std::size_t>(g.samples)));
  Workers workers;
  for (auto _ : state) {
    if (way == Way::forward)
      conv_forward(g, x.data(), w.data(), Ending<float>{}, y.data(), scratch.data(), workers);
    if (way == Way::by_input) conv_backward_input(g, dy.data(), w.data(), dx.data(), scratch.data(), workers);
    if (way == Way::by_weight)
      conv_backward_weight(g, x.data(), dy.data(), dw.data(), scratch.data(), workers);
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * needed(g), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of peak"] =
      benchmark::Counter(2e-9 * needed(g) / peak(), benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : cases)
    for (const auto& [way, name] :
         {std::pair{Way::forward, "forward"}, {Way::by_input, "by input"}, {Way::by_weight, "by weight"}}) {
      if (way == Way::by_input && c.in == 1) continue;  // nobody needs the gradient by the images
      auto* registered =
          benchmark::RegisterBenchmark((std::string(c.name) + ", " + name).c_str(), run_case, c, way)
              ->Unit(benchmark::kMicrosecond);
      for (const int samples : {64, 128}) registered->Arg(samples);
      if (way == Way::forward) registered->Arg(1);  // as prediction needs it
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::printf("registers of %d bytes: %.0f GFLOP/s\n", register_bytes(), peak());
  benchmark::RunSpecifiedBenchmarks();
}
