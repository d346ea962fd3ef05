// One axis of a window against counting by hand, over every small geometry.
#include <captcha/kernels/axis.hpp>
#include <captcha/kernels/reference.hpp>

#include "catch.hpp"

using namespace captcha;

namespace {

bool inside(const Axis& axis, int position, int tap) {
  const int input = axis.input(position, tap);
  return input >= 0 && input < axis.in;
}

/// Whether [begin, end) holds exactly those of 0 … count - 1 that `wanted` says yes to.
template <class Wanted>
bool is_exactly(Slice slice, int count, Wanted&& wanted) {
  if (slice.begin < 0 || slice.begin > slice.end || slice.end > count) return false;
  for (int i = 0; i < count; ++i)
    if (wanted(i) != (i >= slice.begin && i < slice.end)) return false;
  return true;
}

}  // namespace

TEST_CASE("taps and outputs are those that read inside the input") {
  int checked = 0;
  for (int in = 1; in <= 9; ++in)
    for (int kernel = 1; kernel <= 7; ++kernel)
      for (int stride = 1; stride <= 5; ++stride)
        for (int padding = 0; padding <= 4; ++padding)
          for (int dilation = 1; dilation <= 3; ++dilation) {
            const int out = Axis::length(in, kernel, stride, padding, dilation);
            INFO("in " << in << ", kernel " << kernel << ", stride " << stride << ", padding " << padding
                       << ", dilation " << dilation);
            if (out != reference::Window{kernel, stride, padding, dilation}.positions(in))
              FAIL("an output length of " << out);
            const Axis axis{in, out, kernel, stride, padding, dilation};
            for (int tap = 0; tap < kernel; ++tap)
              if (!is_exactly(axis.outputs(tap), out,
                              [&](int position) { return inside(axis, position, tap); }))
                FAIL("outputs of tap " << tap);
            for (int position = 0; position < out; ++position)
              if (!is_exactly(axis.taps(position), kernel,
                              [&](int tap) { return inside(axis, position, tap); }))
                FAIL("taps of output " << position);
            ++checked;
          }
  CHECK(checked == 9 * 7 * 5 * 5 * 3);
}
