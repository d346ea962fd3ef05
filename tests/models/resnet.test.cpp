// The ResNet family: names, extents and memory of the full networks, which are described but not run.
#include <captcha/models/resnet.hpp>

#include "catch.hpp"

#include <array>
#include <string>
#include <vector>

using namespace captcha;

namespace {

/// "layer1.0.conv1.weight 64 64 3 3", as a line of PyTorch's state dict would read.
struct Lines {
  std::vector<std::string> lines;

  void add(const std::string& name, std::vector<int> extents) {
    std::string line = name;
    for (const int extent : extents) line += " " + std::to_string(extent);
    lines.push_back(line);
  }
  void norm(const std::string& name, int channels) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
      add(name + part, {channels});
  }
  void conv(const std::string& name, int out, int in, int kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
  }
};

/// What torchvision's constructor does, written down as names (num_batches_tracked left out: nobody reads
/// it).
std::vector<std::string> torchvision(bool bottleneck, std::array<int, 4> depths, int classes, int channels) {
  Lines of;
  of.conv("conv1", 64, channels, 7);
  of.norm("bn1", 64);
  const int expansion = bottleneck ? 4 : 1;
  int in = 64;
  for (int stage = 0; stage < 4; ++stage) {
    const int width = 64 << stage;
    for (int block = 0; block < depths[static_cast<std::size_t>(stage)]; ++block) {
      const std::string at = "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
      const int out = width * expansion;
      of.conv(at + "conv1", width, in, bottleneck ? 1 : 3);
      of.norm(at + "bn1", width);
      of.conv(at + "conv2", width, width, 3);
      of.norm(at + "bn2", width);
      if (bottleneck) {
        of.conv(at + "conv3", out, width, 1);
        of.norm(at + "bn3", out);
      }
      if (block == 0 && (stage > 0 || in != out)) {
        of.conv(at + "downsample.0", out, in, 1);
        of.norm(at + "downsample.1", out);
      }
      in = out;
    }
  }
  of.add("fc.weight", {classes, in});
  of.add("fc.bias", {classes});
  return of.lines;
}

template <class Net>
std::vector<std::string> described() {
  Lines of;
  for (const PlacedSlot& placed : slots_of<Net>())
    of.add(placed.name, {placed.slot.extents.begin(), placed.slot.extents.begin() + placed.slot.rank});
  return of.lines;
}

}  // namespace

TEST_CASE("the ResNets' parameters have torchvision's names, extents and order") {
  CHECK(described<ResNet18<>>() == torchvision(false, {2, 2, 2, 2}, 1000, 3));
  CHECK(described<ResNet34<20, 1>>() == torchvision(false, {3, 4, 6, 3}, 20, 1));
  CHECK(described<ResNet50<>>() == torchvision(true, {3, 4, 6, 3}, 1000, 3));
}

TEST_CASE("roles tell weight decay what to leave out") {
  for (const PlacedSlot& placed : slots_of<ResNet18<>>()) {
    const bool is_norm =
        placed.name.find("bn") != std::string::npos || placed.name.find("downsample.1") != std::string::npos;
    const bool is_bias = placed.name.ends_with(".bias");
    INFO(placed.name);
    if (placed.is_buffer)
      CHECK((placed.slot.role == Role::running_mean || placed.slot.role == Role::running_var));
    else if (is_norm)
      CHECK(placed.slot.role == (is_bias ? Role::norm_bias : Role::norm_weight));
    else
      CHECK(placed.slot.role == (is_bias ? Role::bias : Role::weight));
  }
}
