// The concept Dataset: a data set that does not say how many samples it has is none.
// expect: captcha: a view needs a Dataset
// expect: data.size()
#include <captcha/data/subset.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
#ifdef FIXED
  std::size_t size() const {
    return 7;
  }
#endif
  int get(std::size_t, std::span<float> pixels) const {
    std::fill(pixels.begin(), pixels.end(), 0.0f);
    return 0;
  }
};
const auto some = take(Samples{}, 3);
