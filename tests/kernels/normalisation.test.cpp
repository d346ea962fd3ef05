// Batch normalisation kernels against the reference.
#include <captcha/kernels/normalisation.hpp>
#include <captcha/kernels/reference.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/testing/compare.hpp>

#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

using namespace captcha;
using reference::Array;

namespace {

template <class T>
std::vector<T> as(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

template <class T>
void compare(const Array& x, bool of_batch, bool rectified, double tolerance, Workers& workers) {
  const auto channels = static_cast<std::size_t>(x.c);
  const double eps = 0.25;  // large enough for a channel of one value
  const auto weight = random_values<float>(channels, 2, 0.5, 1.5);
  const auto bias = random_values<float>(channels, 3);
  const auto running_mean = random_values<float>(channels, 4);
  const auto running_var = random_values<float>(channels, 5, 0.5, 1.5);
  const Array dy = random_array(x.n, x.c, x.h, x.w, 6);
  const auto exact = [](const auto& values) { return std::vector<double>(values.begin(), values.end()); };
  const T unwritten = std::numeric_limits<T>::quiet_NaN();
  const auto expect = [&](const char* what, double off) {
    if (!(off <= tolerance))
      FAIL_CHECK(what << " is off by " << off << ": " << x.n << " x " << x.c << " x " << x.h << " x " << x.w
                      << (of_batch ? ", of the batch" : ", stored") << (rectified ? ", rectified" : ""));
  };

  // statistics
  const ChannelGeometry g{static_cast<std::size_t>(x.h * x.w), channels, static_cast<std::size_t>(x.n)};
  const auto our_x = to_layer_order<T>(x);
  auto our_mean = as<T>(running_mean), our_var = as<T>(running_var);
  std::vector<T> mean(channels, unwritten), inverse(channels, unwritten);
  reference::Statistics by{exact(running_mean), exact(running_var)};
  if (of_batch) {
    batch_statistics(g, our_x.data(), static_cast<T>(eps), T(0.25), mean.data(), inverse.data(),
                     our_mean.data(), our_var.data(), workers);
    const int count = x.n * x.h * x.w;
    const auto unbiased = reference::statistics(x, count > 1 ? 1 : 0);
    for (std::size_t c = 0; c < channels; ++c) {
      by.mean[c] += 0.25 * (unbiased.mean[c] - by.mean[c]);
      by.variance[c] += 0.25 * (unbiased.variance[c] - by.variance[c]);
    }
    expect("running mean", difference<T>(our_mean, by.mean));
    expect("running variance", difference<T>(our_var, by.variance));
    by = reference::statistics(x);
  } else {
    stored_statistics(x.c, our_mean.data(), our_var.data(), static_cast<T>(eps), mean.data(), inverse.data());
  }
  expect("mean", difference<T>(mean, by.mean));

  // forward
  const auto our_weight = as<T>(weight), our_bias = as<T>(bias);
  std::vector<T> y(x.values.size(), unwritten);
  const Array plain = reference::normalise(x, by, eps, exact(weight), exact(bias));
  if (rectified)
    normalise<Rectify>(g, our_x.data(), mean.data(), inverse.data(), our_weight.data(), our_bias.data(),
                       y.data(), workers);
  else
    normalise<Keep>(g, our_x.data(), mean.data(), inverse.data(), our_weight.data(), our_bias.data(),
                    y.data(), workers);
  expect("y", difference(y, rectified ? reference::relu_forward(plain) : plain));

  // backward
  const auto our_dy = to_layer_order<T>(dy);
  std::vector<T> dx(x.values.size(), unwritten), dweight(channels, T{1}), dbias(channels, T{1});
  const auto any_backward = [&](T* to_x, T* to_weight, T* to_bias) {
    const auto backward = [&]<class After>(After) {
      normalise_backward<After>(g, of_batch, our_x.data(), y.data(), our_dy.data(), mean.data(),
                                inverse.data(), our_weight.data(), to_x, to_weight, to_bias, workers);
    };
    if (rectified)
      backward(Rectify{});
    else
      backward(Keep{});
  };
  any_backward(dx.data(), dweight.data(), dbias.data());
  auto want = reference::normalise_backward(x, rectified ? reference::relu_backward(plain, dy) : dy, by,
                                            of_batch, eps, exact(weight));
  for (double& value : want.weight) value += 1;
  for (double& value : want.bias) value += 1;
  expect("dx", difference(dx, want.x));
  expect("dweight", difference<T>(dweight, want.weight));
  expect("dbias", difference<T>(dbias, want.bias));

  const auto dx_before = dx;
  any_backward(nullptr, nullptr, nullptr);  // all of them may be left out
  any_backward(dx.data(), nullptr, nullptr);
  CHECK(dx == dx_before);
}

}  // namespace

TEST_CASE("batch normalisation equals the reference over a grid of odd shapes") {
  Workers workers(2);
  for (const int samples : {1, 2, 7, 16})
    for (const int channels : {1, 3})
      for (const auto& [height, width] : {std::pair{1, 1}, {1, 5}, {3, 1}, {5, 7}}) {
        const Array x = random_array(samples, channels, height, width, 1);
        for (const bool of_batch : {true, false})
          for (const bool rectified : {true, false}) {
            compare<float>(x, of_batch, rectified, 1e-4, workers);
            compare<double>(x, of_batch, rectified, 1e-12, workers);
          }
      }
}

TEST_CASE("statistics stay accurate for many values far from 0") {
  // The sum of squares about 0 would lose the variance in float: 1e4 + noise of size 1.
  Workers workers;
  Array x = random_array(64, 1, 40, 40, 1);
  for (double& value : x.values) value = static_cast<double>(static_cast<float>(value + 1e4));
  const auto ours = to_layer_order<float>(x);
  float mean = 0, inverse = 0, running_mean = 0, running_var = 1;
  batch_statistics({40, 1, 40 * 64}, ours.data(), 0.0f, 1.0f, &mean, &inverse, &running_mean, &running_var,
                   workers);
  const auto exact = reference::statistics(x);
  CHECK(static_cast<double>(mean) == Approx(exact.mean[0]).epsilon(1e-6));
  CHECK(1 / static_cast<double>(inverse * inverse) == Approx(exact.variance[0]).epsilon(1e-3));
}
