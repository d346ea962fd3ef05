// A program of two units that both include every header: a function that is not inline would be defined twice
// and would not link.
#include "everything.hpp"

int other_unit();

int main() {
  return other_unit();
}
