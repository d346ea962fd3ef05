// The concept PixelFunction: what `map` is given must take pixels, their shape and random numbers.
// expect: PixelFunction
// expect: function(pixels, shape, random)
#include <captcha/data/map.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
  int get(std::size_t, std::span<float>) const { return 0; }
};
#ifdef FIXED
const auto inverted = map(Samples{}, [](std::span<float> pixels, Shape, Random&) {
#else
const auto inverted = map(Samples{}, [](std::span<float> pixels) {
#endif
  for (float& pixel : pixels) pixel = 1 - pixel;
});
