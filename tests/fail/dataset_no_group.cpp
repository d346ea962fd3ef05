// The concept HasGroup (likewise HasName, HasClasses, HasTarget): a view knows what its data set knows.
// expect: HasGroup
// expect: data.group(index)
#include <captcha/data/subset.hpp>

using namespace captcha;

struct Samples {
  static constexpr Shape shape = flat(3);
  std::size_t size() const { return 7; }
  int get(std::size_t, std::span<float>) const { return 0; }
#ifdef FIXED
  std::string group(std::size_t index) const {
    return std::to_string(index % 2);
  }
#endif
};
const std::string group = take(Samples{}, 3).group(0);
