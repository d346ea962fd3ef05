// Tape and Inference: steps that allocate nothing, batches of any size, weights shared by threads.
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

using namespace captcha;

// Every allocation of this program is counted. Not inlined: g++ 12 takes the two halves for a mismatch.
namespace {
std::atomic<long> allocations{0};
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step + step)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

using Net = Sequential<Conv2d<1, 4, Conv{.padding = 1}>, BatchNorm2d<4>, ReLU,
                       Residual<Sequential<Conv2d<4, 4, Conv{.padding = 1}>, ReLU>>, MaxPool2d<>, Dropout<>,
                       GlobalAvgPool2d, Linear<4, 3>>;
constexpr Shape shape = chw(1, 8, 6);

struct Step {
  std::vector<float> y, dx;
  Weights<Net> weights{1};
  Weights<Net> gradients = Weights<Net>::zeros();
};

Step step(int samples, int capacity, Workers& workers) {
  const auto x = random_values<float>(shape.size() * static_cast<std::size_t>(samples), 1);
  Step result;
  Tape<Net, shape> tape(capacity);
  const auto y = tape.forward(result.weights, x.data(), samples, {1, 2}, workers);
  result.y.assign(y.begin(), y.end());
  std::ranges::copy(random_values<float>(y.size(), 2), tape.output_gradient(samples).begin());
  result.dx.resize(x.size());
  tape.backward(result.weights, result.gradients, x.data(), samples, {1, 2}, workers, result.dx.data());
  return result;
}

}  // namespace

TEST_CASE("a training step and a prediction allocate nothing") {
  Workers workers(2);
  constexpr int samples = 5;
  const auto x = random_values<float>(shape.size() * samples, 1);
  Weights<Net> weights(1), gradients = Weights<Net>::zeros();
  Tape<Net, shape> tape(samples);
  Inference<Net, shape> infer(samples);
  const auto packed = pack<shape>(weights);
  const auto narrow = pack<shape, BFloat16>(weights);
  const auto work = [&] {
    tape.forward(weights, x.data(), samples, {}, workers);
    std::ranges::fill(tape.output_gradient(samples), 1.0f);
    tape.backward(weights, gradients, x.data(), samples, {}, workers);
    infer(packed, x.data(), samples, workers);
    infer(narrow, x.data(), samples, workers);
  };
  work();
  const long before = allocations;
  work();
  CHECK(allocations == before);
}

TEST_CASE("training_values is what a tape allocates, or a little more") {
  constexpr int samples = 7;
  const auto allocated = [](int batch) {
    std::size_t total =
        Net::saved(shape).values(batch) + 2 * Net::out(shape).size() * static_cast<std::size_t>(batch);
    total += std::max(Net::scratch(shape, Pass::forward).values(batch),
                      Net::scratch(shape, Pass::backward).values(batch));
    return total;
  };
  STATIC_REQUIRE(training_values<Net, shape>(samples) > 0);
  CHECK(training_values<Net, shape>(samples) >= allocated(samples));
  CHECK(training_values<Net, shape>(samples) <= allocated(samples) + 1000);
}

TEST_CASE("a short batch gives the same bits on a larger tape") {
  Workers workers;
  const Step exact = step(3, 3, workers), roomy = step(3, 16, workers);
  CHECK(exact.y == roomy.y);
  CHECK(exact.dx == roomy.dx);
  CHECK(std::ranges::equal(exact.gradients.parameters(), roomy.gradients.parameters()));
  CHECK(std::ranges::equal(exact.weights.buffers(), roomy.weights.buffers()));
}

TEST_CASE("a tape whose type is forgotten refuses the weights of another network") {
  Workers workers;
  Tape<Net, shape> tape(1);
  AnyTape<float>& any = tape;
  const auto x = random_values<float>(shape.size(), 1);
  Weights<Net> weights(1);
  Weights<Linear<4, 3>> others(1);
  CHECK(any.forward(weights, x.data(), 1, {}, workers).size() == 3);
  CHECK_THROWS_WITH(any.forward(others, x.data(), 1, {}, workers), Catch::Contains("another network"));
  CHECK_THROWS_WITH(any.backward(weights, others, x.data(), 1, {}, workers),
                    Catch::Contains("another network"));
}

TEST_CASE("a tape may be used for one batch after the other, of any size") {
  Workers workers;
  Tape<Net, shape> tape(8);
  const auto x = random_values<float>(shape.size() * 8, 1);
  for (const int samples : {8, 1, 5, 8}) {
    Weights<Net> weights(1);
    const auto y = tape.forward(weights, x.data(), samples, {1, 2}, workers);
    Weights<Net> fresh(1);
    Tape<Net, shape> other(samples);
    CHECK(std::ranges::equal(y, other.forward(fresh, x.data(), samples, {1, 2}, workers)));
  }
}

TEST_CASE("one set of weights serves many threads") {
  const auto packed = pack<shape>(Weights<Net>(1));
  const auto x = random_values<float>(shape.size() * 4, 1);
  std::vector<std::vector<float>> outputs(4);
  std::vector<std::thread> threads;
  for (auto& output : outputs)
    threads.emplace_back([&] {
      Workers workers;
      Inference<Net, shape> infer(4);
      for (int round = 0; round < 50; ++round) {
        const auto y = infer(packed, x.data(), 4, workers);
        output.assign(y.begin(), y.end());
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& output : outputs) {
    CHECK(output.size() == 12);
    CHECK(output == outputs[0]);
  }
}
