// Splitting: partitions, groups, class counts.
#include <captcha/data/arrays.hpp>
#include <captcha/data/split.hpp>

#include "catch.hpp"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace captcha;

namespace {

/// Samples that carry a class and a source.
struct Sourced {
  static constexpr Shape shape = flat(1);
  std::vector<int> labels;
  std::vector<std::string> sources;
  std::size_t size() const { return labels.size(); }
  int get(std::size_t index, std::span<float>) const { return labels[index]; }
  std::string group(std::size_t index) const { return sources[index]; }
};

/// Like the CAPTCHA characters: uneven classes, about 22 variants of every source.
Sourced characters(std::size_t sources, std::uint64_t seed) {
  Random random(seed);
  Sourced data;
  for (std::size_t source = 0; source < sources; ++source) {
    const int label = random.coin(0.1f) ? 0 : 1 + static_cast<int>(random.below(19));
    for (std::uint32_t left = 10 + random.below(25); left > 0; --left) {
      data.labels.push_back(label);
      data.sources.push_back("s" + std::to_string(source));
    }
  }
  return data;
}

template <std::size_t Parts, class D>
void check_partition(const std::array<Subset<D>, Parts>& parts, std::size_t samples) {
  std::vector<int> seen(samples, 0);
  for (const auto& part : parts)
    for (std::size_t i = 0; i < part.size(); ++i) ++seen[part.source(i)];
  for (const int count : seen) REQUIRE(count == 1);
}

std::map<int, double> class_counts(const auto& data) {
  std::map<int, double> counts;
  for (std::size_t i = 0; i < data.size(); ++i) ++counts[target_of(data, i)];
  return counts;
}

}  // namespace

TEST_CASE("a split without classes and groups is a partition of the right sizes") {
  const ArrayDataset<flat(1), float> data(std::vector<float>(1003), std::vector<float>(1003));
  const auto parts = split(data, {0.8, 0.15, 0.05}, {.seed = 1});
  check_partition(parts, 1003);
  CHECK(std::abs(static_cast<double>(parts[0].size()) - 802.4) <= 1.0);
  CHECK(std::abs(static_cast<double>(parts[1].size()) - 150.45) <= 1.0);
  CHECK(std::abs(static_cast<double>(parts[2].size()) - 50.15) <= 1.0);

  const auto same = split(data, {0.8, 0.15, 0.05}, {.seed = 1});
  const auto other = split(data, {0.8, 0.15, 0.05}, {.seed = 2});
  std::size_t equal_to_same = 0, equal_to_other = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    equal_to_same += parts[2].source(i) == same[2].source(i);
    equal_to_other += parts[2].source(i) == other[2].source(i);
  }
  CHECK(equal_to_same == 50);
  CHECK(equal_to_other < 25);
}

TEST_CASE("a stratified split gives every part its share of every class") {
  std::vector<int> labels;
  Random random(3);
  for (int i = 0; i < 5000; ++i)
    labels.push_back(random.coin(0.01f) ? 0 : 1 + static_cast<int>(random.below(19)));
  const ArrayDataset<flat(1), int> data(std::vector<float>(labels.size()), labels);
  const auto total = class_counts(data);
  const auto parts = split(data, {0.7, 0.2, 0.1}, {.seed = 4});
  check_partition(parts, labels.size());
  const double fractions[] = {0.7, 0.2, 0.1};
  for (std::size_t part = 0; part < 3; ++part) {
    CHECK(std::abs(static_cast<double>(parts[part].size()) - fractions[part] * 5000.0) <= 2.0);
    for (const auto& [label, count] : class_counts(parts[part]))
      CHECK(std::abs(count - fractions[part] * total.at(label)) < 2.0);
  }
  // Without stratification the rare class is left to chance.
  const auto loose = split(data, {0.5, 0.5}, {.seed = 4, .stratified = false});
  double off = 0.0;
  for (const auto& [label, count] : class_counts(loose[0]))
    off = std::max(off, std::abs(count - 0.5 * total.at(label)));
  CHECK(off > 2.0);
}

TEST_CASE("no group is on both sides, and classes stay close to their share") {
  const Sourced data = characters(600, 5);
  const auto parts = split(data, {0.8, 0.1, 0.1}, {.seed = 6});
  check_partition(parts, data.size());
  std::map<std::string, std::set<std::size_t>> where;
  for (std::size_t part = 0; part < 3; ++part)
    for (std::size_t i = 0; i < parts[part].size(); ++i) where[parts[part].group(i)].insert(part);
  CHECK(where.size() == 600);
  for (const auto& [source, sides] : where) REQUIRE(sides.size() == 1);

  const auto total = class_counts(data);
  const double fractions[] = {0.8, 0.1, 0.1};
  for (std::size_t part = 0; part < 3; ++part) {
    auto counts = class_counts(parts[part]);
    for (const auto& [label, count] : total)  // within one source of the share
      CHECK(std::abs(counts[label] - fractions[part] * count) <= 35.0);
    CHECK(std::abs(static_cast<double>(parts[part].size()) -
                   fractions[part] * static_cast<double>(data.size())) <= 70.0);
  }

  const auto leaky = split(data, {0.5, 0.5}, {.seed = 6, .grouped = false});
  std::set<std::string> left, right;
  for (std::size_t i = 0; i < leaky[0].size(); ++i) left.insert(leaky[0].group(i));
  for (std::size_t i = 0; i < leaky[1].size(); ++i) right.insert(leaky[1].group(i));
  CHECK(left == right);
}

TEST_CASE("groups that hold several classes are balanced too") {
  Sourced words;
  Random random(7);
  for (int word = 0; word < 400; ++word)
    for (int letter = 0; letter < 5; ++letter) {
      words.labels.push_back(static_cast<int>(random.below(19)));
      words.sources.push_back("w" + std::to_string(word));
    }
  const auto [train, test] = split(words, {0.75, 0.25}, {.seed = 8});
  const auto total = class_counts(words);
  auto counts = class_counts(test);
  for (const auto& [label, count] : total) CHECK(std::abs(counts[label] - 0.25 * count) <= 4.0);
  std::set<std::string> left;
  for (std::size_t i = 0; i < train.size(); ++i) left.insert(train.group(i));
  for (std::size_t i = 0; i < test.size(); ++i) REQUIRE(left.count(test.group(i)) == 0);
}

TEST_CASE("a temporary is shared by the parts") {
  const auto [first, second] = split(characters(20, 9), {0.5, 0.5});
  CHECK(first.size() + second.size() == characters(20, 9).size());
  CHECK(!first.group(0).empty());
}

TEST_CASE("a part of fraction 0 stays empty, bad fractions are an error") {
  const Sourced data = characters(20, 10);
  const auto [everything, nothing] = split(data, {1.0, 0.0});
  CHECK(everything.size() == data.size());
  CHECK(nothing.size() == 0);
  CHECK_THROWS_WITH(split(data, {0.5, 0.4}), Catch::Matchers::Contains("add up to 0.9"));
  CHECK_THROWS_AS(split(data, {1.5, -0.5}), Error);
  CHECK_THROWS_AS(split(data, {std::nan(""), 1.0}), Error);
  CHECK(split(Sourced{}, {0.5, 0.5})[1].size() == 0);
}

TEST_CASE("too few groups to give every part some are an error that says so") {
  Sourced data = characters(20, 10);
  for (std::string& source : data.sources) source = "image";
  CHECK_THROWS_WITH(split(data, {0.8, 0.2}),
                    Catch::Matchers::Contains("part 2 of 2 stays empty, as the " +
                                              std::to_string(data.size()) + " samples are of 1 groups") &&
                        Catch::Matchers::Contains("'image'") &&
                        Catch::Matchers::Contains(".grouped = false"));
  CHECK(split(data, {0.8, 0.2}, {.grouped = false})[1].size() > 0);
  CHECK(split(data, {1.0, 0.0})[1].size() == 0);
}
