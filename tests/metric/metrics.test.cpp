#include <captcha/metric/metrics.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <limits>

using namespace captcha;

namespace {

// [feature][sample]: three classes, four samples.
const std::array<float, 12> values{0.1f, 2.0f, 0.0f, 1.0f,   // class 0
                                   0.9f, 1.0f, 0.0f, 3.0f,   // class 1
                                   0.5f, 0.0f, 0.0f, 2.0f};  // class 2
const Outputs<const float> outputs{values, 4};

}  // namespace

TEST_CASE("top-k counts samples whose class is among the k largest") {
  const std::array<int, 4> targets{1, 1, 2, 0};
  TopK<1> first;
  TopK<2> two;
  TopK<3> three;
  first.add(outputs, std::span<const int>(targets));
  two.add(outputs, std::span<const int>(targets));
  three.add(outputs, std::span<const int>(targets));
  CHECK(first.value() == 0.25);  // in the third sample all are equal, and class 0 comes first
  CHECK(two.value() == 0.5);
  CHECK(three.value() == 1.0);
  CHECK(first.name() == "accuracy");
  CHECK(two.name() == "top2");
  first.add(outputs, std::span<const int>(targets));
  CHECK(first.value() == 0.25);
}

TEST_CASE("not-a-number is never right") {
  const std::array<float, 2> broken{std::numeric_limits<float>::quiet_NaN(),
                                    std::numeric_limits<float>::quiet_NaN()};
  const std::array<int, 1> target{0};
  Accuracy accuracy;
  accuracy.add(Outputs<const float>{broken, 1}, std::span<const int>(target));
  CHECK(accuracy.value() == 0.0);
}

TEST_CASE("the confusion matrix counts truth by prediction") {
  const std::array<int, 4> targets{1, 1, 2, 1};
  ConfusionMatrix matrix;
  matrix.add(outputs, std::span<const int>(targets));
  CHECK(matrix.count(1, 1) == 2);
  CHECK(matrix.count(1, 0) == 1);
  CHECK(matrix.count(2, 0) == 1);
  CHECK(matrix.count(0, 0) == 0);
  CHECK(matrix.value() == Approx((2.0 / 3 + 0) / 2));
  CHECK(matrix.samples(1) == 3);
  CHECK(matrix.predictions(0) == 2);
  CHECK(matrix.recall(1) == Approx(2.0 / 3));
  CHECK(matrix.precision(1) == 1);
  CHECK(matrix.f1(1) == Approx(2 * (2.0 / 3) / (2.0 / 3 + 1)));
  CHECK(matrix.precision(0) == 0);
  CHECK(std::isnan(matrix.recall(0)));     // there is no sample of class 0
  CHECK(std::isnan(matrix.precision(2)));  // none is taken for class 2
  CHECK(matrix.f1(2) == 0);
}

TEST_CASE("a blend counts as its heavier part") {
  const std::array<Mixed<int>, 4> targets{Mixed<int>{1, 0, 0.7f}, {1, 0, 0.3f}, {0, 1, 0.5f}, {2, 1, 0.2f}};
  Accuracy accuracy;
  accuracy.add(outputs, std::span<const Mixed<int>>(targets));
  CHECK(accuracy.value() == 1.0);
}

TEST_CASE("a class outside the outputs is an error that says so") {
  const std::array<int, 4> targets{1, 3, 0, 0};
  Accuracy accuracy;
  CHECK_THROWS_WITH(accuracy.add(outputs, std::span<const int>(targets)),
                    Catch::Contains("class 3, expected 0 to 2"));
}

TEST_CASE(
    "not-a-number is never right, and is no reading for a confusion matrix; no samples change nothing") {
  const float none = std::nanf("");
  const std::array<int, 1> truth{0};
  for (const std::vector<float>& logits : {std::vector<float>{none}, {none, 1}, {none, none}}) {
    const Outputs<const float> broken{logits, 1};
    Accuracy accuracy;
    accuracy.add(broken, std::span<const int>(truth));
    CHECK(accuracy.value() == 0);
    TopK<5> top;
    top.add(broken, std::span<const int>(truth));
    CHECK(top.value() == 0);
    ConfusionMatrix matrix;
    CHECK_THROWS_AS(matrix.add(broken, std::span<const int>(truth)), NotANumber);
  }
  ConfusionMatrix matrix;
  const std::vector<float> right{1, 0};
  matrix.add(Outputs<const float>{right, 1}, std::span<const int>(truth));
  matrix.add(Outputs<const float>{{}, 0}, std::span<const int>{});
  CHECK(matrix.classes() == 2);
  CHECK(matrix.value() == 1);
}
