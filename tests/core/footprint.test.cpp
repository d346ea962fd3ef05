// The laws that regions of the workspace obey, whatever their sizes and the batch size.
#include <captcha/core/footprint.hpp>
#include <captcha/core/random.hpp>

#include "catch.hpp"

#include <cstddef>
#include <vector>

using namespace captcha;

namespace {

std::vector<Footprint> some_footprints() {
  std::vector<Footprint> all{{0, 0}, {1, 0}, {0, 1}, {16, 0}, {15, 17}, {0, 16}};
  Random random(1);
  for (int i = 0; i < 20; ++i) all.push_back({random.below(100), random.below(40)});
  return all;
}

}  // namespace

TEST_CASE("regions placed one behind the other are aligned and do not overlap, for every batch size") {
  for (const Footprint& a : some_footprints())
    for (const Footprint& b : some_footprints())
      for (const Footprint& c : some_footprints())
        for (const int samples : {1, 2, 3, 7, 16, 33}) {
          const Footprint behind_a = followed_by({}, a);
          const Footprint behind_b = followed_by(behind_a, b);
          const Footprint end = followed_by(behind_b, c);
          const std::size_t start_b = behind_a.offset(samples);
          const std::size_t start_c = behind_b.offset(samples);
          const bool right = start_b % region_alignment == 0 && start_c % region_alignment == 0 &&
                             a.values(samples) <= start_b && start_b + b.values(samples) <= start_c &&
                             start_c + c.values(samples) <= end.values(samples);
          if (!right)
            FAIL("a " << a.per_sample << "+" << a.per_batch << ", b " << b.per_sample << "+" << b.per_batch
                      << ", " << samples << " samples");
        }
  SUCCEED();
}

TEST_CASE("a region either may use is large enough for both, and an empty one adds nothing") {
  for (const Footprint& a : some_footprints())
    for (const Footprint& b : some_footprints()) {
      CHECK(followed_by(a, {}) == a);
      CHECK(either(a, b) == either(b, a));
      for (const int samples : {1, 5, 64}) {
        CHECK(either(a, b).values(samples) >= a.values(samples));
        CHECK(either(a, b).values(samples) >= b.values(samples));
      }
    }
}
