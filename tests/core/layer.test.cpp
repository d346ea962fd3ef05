// What core/layer.hpp does with any layer: walking through it, running its forward, refusing shapes.
#include <captcha/compose/chain.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/core/layer.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace captcha;

namespace {

/// Writes down where it has been.
struct Diary {
  std::vector<std::string> lines;
  std::string path;

  template <class Leaf>
  void leaf(Shape in) {
    lines.push_back(path + to_string(in) + " -> " + to_string(Leaf::out(in)));
  }
  void enter(std::string_view name) { path += std::string(name) + "."; }
  void leave() { path.resize(path.rfind('.', path.size() - 2) + 1); }
};

using Net = Chain<Named<"stem", Chain<Named<"conv", Conv2d<1, 4>>, ReLU>>,
                  Residual<Conv2d<4, 4, Conv{.padding = 1}>>, GlobalAvgPool2d>;

}  // namespace

TEST_CASE("a walk visits every layer with the shape that reaches it, under its name") {
  Diary diary;
  walk<Net>(diary, chw(1, 8, 6));
  CHECK(diary.lines == std::vector<std::string>{"stem.conv.1 x 8 x 6 -> 4 x 6 x 4",
                                                "stem.4 x 6 x 4 -> 4 x 6 x 4", "4 x 6 x 4 -> 4 x 6 x 4",
                                                "4 x 6 x 4 -> 4 x 6 x 4", "4 x 6 x 4 -> 4"});
  CHECK(diary.path.empty());
}

TEST_CASE("a layer says which shape it would take") {
  STATIC_REQUIRE(Accepts<Conv2d<3, 8>, chw(3, 9, 9)>);
  STATIC_REQUIRE_FALSE(Accepts<Conv2d<3, 8>, chw(1, 9, 9)>);
  STATIC_REQUIRE(Conv2d<3, 8>::wants(chw(1, 2, 9)) == chw(3, 3, 9));
  STATIC_REQUIRE(check_shapes<Net, chw(1, 8, 6)>());
  STATIC_REQUIRE(Net::wants(chw(2, 8, 6)) == chw(1, 8, 6));
}

TEST_CASE("a layer without forward runs infer in training") {
  Workers workers;
  const float x[] = {-1, 2};
  float y[2];
  run_forward<ReLU, flat(2)>(
      Forward<float>{1, x, y, nullptr, nullptr, nullptr, nullptr, nullptr, {}, workers});
  CHECK(y[0] == 0);
  CHECK(y[1] == 2);
}

TEST_CASE("the parts of a network draw different random numbers") {
  const Noise noise{1, 2};
  CHECK(noise.child(0).layer != noise.child(1).layer);
  CHECK(noise.child(0).child(1).layer != noise.child(1).child(0).layer);
  CHECK(noise.child(3).seed == 1);
  CHECK(noise.child(3).step == 2);
}
