// Names and shapes of the full ResNets against torchvision's state dicts.
#include <captcha/models/resnet.hpp>

#include "parity.hpp"

#include <fstream>
#include <sstream>

using namespace captcha;

namespace {

/// The lines of state_dicts.txt for one model, "conv1.weight 64 3 7 7".
std::vector<std::string> torchvision_lines(const std::string& model) {
  std::ifstream in(parity::data_folder() / "state_dicts.txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(model + " ")) lines.push_back(line.substr(model.size() + 1));
  return lines;
}

template <class Net>
std::vector<std::string> our_lines() {
  std::vector<std::string> lines;
  for (const PlacedSlot& placed : slots_of<Net>()) {
    std::ostringstream line;
    line << placed.name;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      line << ' ' << placed.slot.extents[axis];
    lines.push_back(line.str());
  }
  return lines;
}

}  // namespace

TEST_CASE("the full ResNets have torchvision's names and shapes, in its order") {
  REQUIRE(torchvision_lines("resnet18").size() == 102);
  CHECK(our_lines<ResNet18<>>() == torchvision_lines("resnet18"));
  CHECK(our_lines<ResNet34<>>() == torchvision_lines("resnet34"));
  CHECK(our_lines<ResNet50<>>() == torchvision_lines("resnet50"));
}
