// captcha bench: how fast this machine trains and predicts.
#include <captcha/model/inference.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/train/fit.hpp>
#include <captcha/train/step.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"
#include <cblas.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

struct BenchArguments {
  int threads = 1;
  std::size_t batch = 64;
  double seconds = 5;
  bool json = false;
  bool quiet = false;
};

/// Images of noise, all different: what they show does not matter to the speed.
struct NoiseImages {
  static constexpr Shape shape = character;
  std::size_t count;

  std::size_t size() const { return count; }
  int get(std::size_t index, std::span<float> pixels) const {
    Random random(1, Purpose::test, 0, index);
    for (float& pixel : pixels) pixel = random.normal();
    return static_cast<int>(index % labels.size());
  }
};

/// The median time in seconds of calls to f, over `seconds` of them and at least five.
template <class F>
double median_seconds(double seconds, F&& f) {
  using Clock = std::chrono::steady_clock;
  f();  // the first call touches the memory for the first time
  std::vector<double> times;
  for (const auto start = Clock::now();
       times.size() < 5 || std::chrono::duration<double>(Clock::now() - start).count() < seconds;) {
    Interruptible::stop_if_asked();
    const auto before = Clock::now();
    f();
    times.push_back(std::chrono::duration<double>(Clock::now() - before).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

int bench(const BenchArguments& arguments) {
  const int threads = arguments.threads > 0 ? arguments.threads : all_threads();
  Workers workers(threads);
  Weights<Network> weights(1);
  const Loader loader(NoiseImages{arguments.batch}, {.batch_size = arguments.batch, .threads = 0});
  auto epoch = loader.epoch(0);
  const auto& batch = *epoch.begin();
  const double images = static_cast<double>(arguments.batch);

  const Interruptible interruptible;
  ProgressLine line(stderr);
  const auto measuring = [&](const std::string& what) {
    if (!arguments.quiet) line.show("measuring " + what);
  };
  const auto packed = pack<character>(weights);
  const double infer = [&] {
    measuring("predictions");
    Inference<Network, character> inference(static_cast<int>(arguments.batch));
    return median_seconds(arguments.seconds, [&] {
      inference(packed, batch.inputs().data(), static_cast<int>(arguments.batch), workers);
    });
  }();
  const double latency = [&] {
    measuring("one image");
    Inference<Network, character> inference(1);
    return median_seconds(arguments.seconds, [&] { inference(packed, batch.inputs().data(), 1, workers); });
  }();
  const double train = [&] {
    measuring("training");
    auto step = training_step<character>(weights, arguments.batch, CrossEntropy{}, AdamW{});
    std::size_t number = 0;
    return median_seconds(arguments.seconds, [&] { step.run(weights, batch, number++, 1e-3, workers); });
  }();
  line.wipe();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double peak_mb = static_cast<double>(usage.ru_maxrss) / 1024;
  const std::string kernel = openblas_get_corename();

  if (arguments.json) {
    std::printf("%s\n", nlohmann::ordered_json{{"threads", threads},
                                               {"batch", arguments.batch},
                                               {"train_images_per_s", images / train},
                                               {"infer_images_per_s", images / infer},
                                               {"latency_ms", 1000 * latency},
                                               {"peak_memory_mb", peak_mb},
                                               {"blas_kernel", kernel}}
                            .dump(2)
                            .c_str());
    return 0;
  }
  std::printf("ResNet-18, %s, batch %zu, %d thread%s, OpenBLAS kernels for %s\n",
              to_string(character).c_str(), arguments.batch, threads, threads == 1 ? "" : "s",
              kernel.c_str());
  std::printf(
      "training    %8.0f images/s\nprediction  %8.0f images/s\none image   %8.2f ms\npeak memory %8.0f MB\n",
      images / train, images / infer, 1000 * latency, peak_mb);
  if (const char* forced = std::getenv("OPENBLAS_CORETYPE"))
    std::printf(
        "OPENBLAS_CORETYPE=%s is set: without it OpenBLAS chooses the kernels that fit this processor\n",
        forced);
  return 0;
}

}  // namespace

void add_bench(Commands& commands) {
  const auto a = std::make_shared<BenchArguments>();
  CLI::App* c =
      commands.add("bench", "Measure the speed of this machine", [a](CLI::App&) { return bench(*a); });
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--batch", a->batch, "Images a step")->check(whole(1, 65536));
  c->add_option("--seconds", a->seconds, "For each of the three measurements")->check(above_zero());
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer("Examples:\n  captcha bench\n  captcha bench --threads 0 --batch 128 --seconds 10 --json");
}

}  // namespace captcha::app
