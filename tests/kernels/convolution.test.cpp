// Convolution kernels against the reference, over a grid of odd shapes.
#include <captcha/core/slot.hpp>
#include <captcha/kernels/convolution.hpp>
#include <captcha/kernels/reference.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/testing/compare.hpp>
#include <captcha/testing/values.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace captcha;
using reference::Array;
using reference::Window2;

namespace {

struct Channels {
  int in, out, groups;
};

struct Case {
  int samples;
  Channels channels;
  int height, width;
  Window2 window;
};

std::string describe(const Case& c) {
  const auto axis = [](const reference::Window& w) {
    return std::to_string(w.kernel) + " stride " + std::to_string(w.stride) + " padding " +
           std::to_string(w.padding) + " dilation " + std::to_string(w.dilation);
  };
  return std::to_string(c.samples) + " samples, " + std::to_string(c.channels.in) + " to " +
         std::to_string(c.channels.out) + " channels in " + std::to_string(c.channels.groups) + " groups, " +
         std::to_string(c.height) + " x " + std::to_string(c.width) + ", rows " + axis(c.window.rows) +
         ", columns " + axis(c.window.columns);
}

/// The memory order of convolution weights.
Slot weight_slot(const Array& w, int groups) {
  return {.name = "w",
          .extents = {w.n, w.c, w.h, w.w},
          .rank = 4,
          .initial = constant(0),
          .block = convolution::block_width,
          .groups = groups};
}
template <class T>
std::vector<T> to_kernel(const Array& w, int groups) {
  std::vector<T> ours(w.values.size());
  for_each_value(weight_slot(w, groups),
                 [&](std::size_t theirs, std::size_t at) { ours[at] = static_cast<T>(w.values[theirs]); });
  return ours;
}
template <class T>
std::vector<T> from_kernel(const Array& like, int groups, const std::vector<T>& ours) {
  std::vector<T> theirs(ours.size());
  for_each_value(weight_slot(like, groups),
                 [&](std::size_t at, std::size_t from) { theirs[at] = ours[from]; });
  return theirs;
}

/// Prediction with weights that are kept as BFloat16: `packed`, rounded, and nothing else changed. `infer`
/// predicts with weights of either form.
void compare_narrow(const ConvGeometry& g, const std::vector<float>& packed, const std::vector<float>& narrow,
                    double tolerance, auto infer) {
  std::vector<BFloat16> weights(conv_weight_values<float, float>(g));
  std::memcpy(weights.data(), narrow.data(), sizeof(BFloat16) * weights.size());
  std::vector<float> rounded;
  bool all_nearest = true;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    all_nearest = all_nearest && weights[i].bits == BFloat16(packed[i]).bits;
    rounded.push_back(static_cast<float>(weights[i]));
  }
  CHECK(all_nearest);
  // The bias; and, of the rounded weights, those at the points.
  const auto rest = conv_weight_values<BFloat16, float>(g);
  rounded.insert(rounded.end(), narrow.begin() + static_cast<std::ptrdiff_t>(rest), narrow.end());
  CHECK(rounded.size() == packed.size());
  CHECK(std::equal(rounded.begin() + static_cast<std::ptrdiff_t>(weights.size()),
                   rounded.begin() + static_cast<std::ptrdiff_t>(weights.size()) + g.out_channels,
                   packed.begin() + static_cast<std::ptrdiff_t>(weights.size())));
  const auto expected = infer.template operator()<float>(rounded),
             y = infer.template operator()<BFloat16>(narrow);
  if (g.samples < 4) CHECK(y == expected);  // the same sums with registers of any width
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - static_cast<double>(expected[i])));
  CHECK(worst <= tolerance);
}

template <class T>
void compare(const Case& c, double tolerance, Workers& workers) {
  const Array x = random_array(c.samples, c.channels.in, c.height, c.width, 1);
  const Array w = random_array(c.channels.out, c.channels.in / c.channels.groups, c.window.rows.kernel,
                               c.window.columns.kernel, 2);
  const auto bias = random_values<float>(static_cast<std::size_t>(c.channels.out), 3);
  const std::vector<double> exact_bias(bias.begin(), bias.end());
  const Array y = reference::conv_forward(x, w, exact_bias, c.window);
  const Array dy = random_array(y.n, y.c, y.h, y.w, 4);

  const auto axis = [](const reference::Window& of, int in, int out) {
    return Axis{in, out, of.kernel, of.stride, of.padding, of.dilation};
  };
  const ConvGeometry g{c.samples,
                       c.channels.in,
                       c.channels.out,
                       c.channels.groups,
                       axis(c.window.rows, c.height, y.h),
                       axis(c.window.columns, c.width, y.w)};
  const auto our_x = to_layer_order<T>(x);
  const auto our_dy = to_layer_order<T>(dy);
  const auto our_w = to_kernel<T>(w, c.channels.groups);
  const std::vector<T> our_bias(bias.begin(), bias.end());
  const T unwritten = std::numeric_limits<T>::quiet_NaN();
  const auto expect = [&](const char* what, double off) {
    if (!(off <= tolerance)) FAIL_CHECK(what << " is off by " << off << ": " << describe(c));
  };

  const ConvScratch forward = conv_forward_scratch(g), backward = conv_backward_scratch(g);
  std::vector<T> scratch(
      std::max(forward.per_batch, backward.per_batch) +
          std::max(forward.per_sample, backward.per_sample) * static_cast<std::size_t>(g.samples),
      unwritten);

  std::vector<T> our_y(y.values.size(), unwritten);
  conv_forward(g, our_x.data(), our_w.data(), Ending<T>{our_bias.data()}, our_y.data(), scratch.data(),
               workers);
  expect("y", difference(our_y, y));
  std::ranges::fill(our_y, unwritten);
  conv_forward(g, our_x.data(), our_w.data(), Ending<T>{}, our_y.data(), scratch.data(), workers);
  expect("y without bias", difference(our_y, reference::conv_forward(x, w, {}, c.window)));

  // Prediction: scaled and shifted weights, a sum and a ReLU in passing.
  const std::vector<T> scale = random_values<T>(our_bias.size(), 5),
                       shift = random_values<T>(our_bias.size(), 6);
  const Array added = random_array(y.n, y.c, y.h, y.w, 7);
  const auto our_added = to_layer_order<T>(added);
  const auto pack = [&]<class W>(W) {
    std::vector<T> values(conv_packed_values<W, T>(g), unwritten);
    conv_pack<W>(g, our_w.data(), our_bias.data(), scale.data(), shift.data(), values.data(), workers);
    return values;
  };
  const auto infer = [&]<class W>(const std::vector<T>& with) {
    std::ranges::fill(our_y, unwritten);
    conv_infer<W>(g, our_x.data(), with.data(), Ending<T>{nullptr, our_added.data(), true}, our_y.data(),
                  scratch.data(), workers);
    return our_y;
  };
  const std::vector<T> packed = pack(T{});
  if constexpr (std::is_same_v<T, float>) compare_narrow(g, packed, pack(BFloat16{}), tolerance, infer);
  infer.template operator()<T>(packed);
  Array predicted = y;
  const std::size_t plane = static_cast<std::size_t>(y.h * y.w);
  for (std::size_t i = 0; i < predicted.values.size(); ++i) {
    const std::size_t channel = i / plane % our_bias.size();
    predicted.values[i] = std::max(0.0, y.values[i] * static_cast<double>(scale[channel]) +
                                            static_cast<double>(shift[channel]) + added.values[i]);
  }
  expect("y of packed weights", difference(our_y, predicted));

  std::vector<T> our_dx(x.values.size(), unwritten);
  conv_backward_input(g, our_dy.data(), our_w.data(), our_dx.data(), scratch.data(), workers);
  expect("dx", difference(our_dx, reference::conv_backward_input(x, w, dy, c.window)));

  // dw and dbias are added to what is there.
  std::vector<T> our_dw(w.values.size(), T{1});
  conv_backward_weight(g, our_x.data(), our_dy.data(), our_dw.data(), scratch.data(), workers);
  Array dw = reference::conv_backward_weight(x, w, dy, c.window);
  for (double& value : dw.values) value += 1;
  expect("dw", difference<T>(from_kernel(w, c.channels.groups, our_dw), dw.values));
  std::vector<T> our_dbias(our_bias.size(), T{1});
  conv_backward_bias(g, our_dy.data(), our_dbias.data(), workers);
  std::vector<double> dbias = reference::bias_backward(dy);
  for (double& value : dbias) value += 1;
  expect("dbias", difference<T>(our_dbias, dbias));
}

int compare_both(const Case& c, Workers& workers) {
  if (c.window.rows.positions(c.height) == 0 || c.window.columns.positions(c.width) == 0) return 0;
  compare<float>(c, 2e-5, workers);
  compare<double>(c, 1e-13, workers);
  return 1;
}

}  // namespace

TEST_CASE("convolution equals the reference over a grid of odd geometries") {
  Workers workers(2);
  int compared = 0;
  for (const int kernel : {1, 2, 3, 5})
    for (const int stride : {1, 2, 3, 6})  // 6 is larger than any kernel
      for (const int padding : {0, 1, 2})
        for (const int dilation : {1, 2})
          for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {5, 2}, {7, 11}, {2, 3}})
            for (const Channels channels : {Channels{1, 1, 1}, {3, 2, 1}, {4, 6, 2}, {3, 3, 3}})
              for (const int samples : {1, 3}) {
                const reference::Window axis{kernel, stride, padding, dilation};
                compared += compare_both({samples, channels, height, width, {axis, axis}}, workers);
              }
  CHECK(compared > 2000);
}

TEST_CASE("convolution equals the reference where rows and columns differ, and for many channels") {
  Workers workers(2);
  const auto compare_case = [&](const Case& c) { REQUIRE(compare_both(c, workers) == 1); };
  compare_case({2, {3, 4, 1}, 9, 5, {{1, 2, 0, 1}, {3, 1, 2, 2}}});
  compare_case({2, {2, 2, 2}, 4, 13, {{3, 1, 3, 1}, {7, 2, 1, 1}}});
  compare_case({17, {5, 7, 1}, 6, 4, {{3, 2, 1, 1}, {2, 1, 0, 1}}});
  compare_case({2, {67, 131, 1}, 4, 3, {{3, 1, 1, 1}, {3, 1, 1, 1}}});  // several blocks of channels
  compare_case({2, {130, 66, 2}, 3, 3, {{3, 2, 1, 1}, {3, 2, 1, 1}}});  // several blocks in a group
  compare_case({53, {20, 37, 1}, 4, 5, {{3, 1, 1, 1}, {3, 1, 1, 1}}});  // samples for tiles of every width
  compare_case({53, {37, 20, 1}, 5, 4, {{3, 2, 1, 1}, {3, 2, 1, 1}}});
  compare_case({18, {6, 8, 2}, 4, 5, {{3, 1, 1, 1}, {2, 2, 0, 1}}});    // groups of such samples
  compare_case({3, {71, 71, 71}, 3, 4, {{3, 1, 1, 1}, {3, 1, 1, 1}}});  // depthwise
  compare_case({3, {5, 15, 5}, 3, 4, {{3, 1, 1, 1}, {3, 1, 1, 1}}});    // depthwise, three for one
  compare_case({2, {1, 3, 1}, 3, 2, {{7, 1, 3, 1}, {7, 1, 3, 1}}});     // kernel larger than the image
  compare_case({2, {2, 3, 1}, 52, 32, {{7, 2, 3, 1}, {7, 2, 3, 1}}});   // ResNet's stem
  compare_case({1, {37, 256, 1}, 2, 1, {{3, 1, 1, 1}, {3, 1, 1, 1}}});  // two rows, blocks side by side
  compare_case({1, {37, 256, 1}, 4, 2, {{3, 1, 1, 1}, {3, 1, 1, 1}}});  // products of four rows and of eight
  compare_case({2, {40, 256, 2}, 1, 1, {{1, 1, 0, 1}, {1, 1, 0, 1}}});  // in groups
}

TEST_CASE("the short convolution equals the reference, and is the one that runs") {
  Workers workers(3);
  struct Short {
    int samples;
    Channels channels;
    int height, width, padding;
  };
  for (const Short& s : {Short{16, {32, 32, 1}, 8, 8, 1},
                         {17, {32, 64, 1}, 7, 9, 1},
                         {40, {64, 32, 1}, 7, 4, 1},
                         {16, {32, 96, 1}, 5, 6, 2},
                         {18, {32, 32, 1}, 13, 8, 0},
                         {67, {32, 32, 1}, 13, 7, 1},
                         {33, {64, 96, 1}, 4, 2, 1},
                         {20, {32, 64, 1}, 2, 7, 1}}) {
    const reference::Window axis{3, 1, s.padding, 1};
    const Case c{s.samples, s.channels, s.height, s.width, {axis, axis}};
    const auto side = [&](int length) {
      return Axis{length, length + 2 * s.padding - 2, 3, 1, s.padding, 1};
    };
    const ConvGeometry g{s.samples, s.channels.in, s.channels.out, 1, side(s.height), side(s.width)};
    CHECK((is_short<float>(g) && is_short<double>(g)));
    compare_both(c, workers);
  }
}

TEST_CASE("the short convolution of few samples equals the reference") {
  Workers workers(3);
  for (const auto& [samples, height, width] :
       {std::array{1, 13, 8}, {3, 7, 4}, {15, 4, 2}, {6, 3, 9}, {15, 25, 24}}) {
    const reference::Window axis{3, 1, 1, 1};
    const ConvGeometry g{samples, 32, 64, 1, {height, height, 3, 1, 1, 1}, {width, width, 3, 1, 1, 1}};
    CHECK((winograd::pays<double>(g) && winograd::few_pay(g) && !is_short<double>(g)));
    compare_both({samples, {32, 64, 1}, height, width, {axis, axis}}, workers);
  }
}
