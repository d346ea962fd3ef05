// Parameter slots: counting and naming.
#include <captcha/core/layer.hpp>
#include <captcha/core/slot.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace captcha;

namespace {

/// Two arrays in a named part, then one at the top.
struct Described {
  static constexpr void describe(auto& slots) {
    slots.enter("part");
    slots.parameter({.name = "weight", .extents = {4, 3, 2, 5}, .rank = 4, .initial = constant(0)});
    slots.enter("0");
    slots.buffer({.name = "mean", .extents = {7}, .initial = constant(0)});
    slots.leave();
    slots.leave();
    slots.parameter({.name = "bias", .extents = {6}, .role = Role::bias, .initial = constant(0)});
  }
};

}  // namespace

TEST_CASE("a description is counted by the compiler") {
  STATIC_REQUIRE(slot_count<Described>.parameters == 126);
  STATIC_REQUIRE(slot_count<Described>.buffers == 7);
  STATIC_REQUIRE(slot_count<Described>.parameter_slots == 2);
  STATIC_REQUIRE(parameter_count<Described> == 126);
}

TEST_CASE("a description becomes a table with full names and places") {
  const std::vector<PlacedSlot>& table = slots_of<Described>();
  REQUIRE(table.size() == 3);
  CHECK(table[0].name == "part.weight");
  CHECK(table[0].offset == 0);
  CHECK_FALSE(table[0].is_buffer);
  CHECK(table[1].name == "part.0.mean");
  CHECK(table[1].offset == 0);
  CHECK(table[1].is_buffer);
  CHECK(table[2].name == "bias");
  CHECK(table[2].offset == 120);
  CHECK(&table == &slots_of<Described>());
}

TEST_CASE("axes beyond a slot's rank have length 1") {
  constexpr Slot slot{.name = "w", .extents = {4, 3, 9, 9}, .rank = 2, .initial = constant(0)};
  STATIC_REQUIRE(slot.size() == 12);
  STATIC_REQUIRE(slot.extent(2) == 1);
}

TEST_CASE("initialisers have the variances of their papers") {
  CHECK(kaiming_normal(50).variance == Approx(0.04));
  CHECK(uniform_by_fan(12).variance == Approx(1.0 / 36));  // of a uniform in +-1/sqrt(12)
  CHECK(constant(3).mean == 3);
}
