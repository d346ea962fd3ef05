// A program that uses stb_image itself, included after our headers: the order is what is tested.
// clang-format off
#include "everything.hpp"
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#include "use_stb.hpp"
// clang-format on

int main() {
  return use_stb();
}
