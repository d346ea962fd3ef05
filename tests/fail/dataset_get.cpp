// The concept Dataset: `get` must take a number and the place to write to.
// expect: Dataset
// expect-clang++: data.get(index, pixels)
#include <captcha/data/loader.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
#ifdef FIXED
  int get(std::size_t, std::span<float>) const {
    return 0;
  }
#else
  int get(std::size_t) const {
    return 0;
  }
#endif
};
const Samples samples;
Loader<Samples> loader(samples, {});
