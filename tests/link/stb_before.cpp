// A program that uses stb_image itself, included before our headers: the order is what is tested.
// clang-format off
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#include "everything.hpp"
#include "use_stb.hpp"
// clang-format on

int main() {
  return use_stb();
}
