// The second unit of the programs of tests/link: every header once more.
#include "everything.hpp"

int other_unit();

int other_unit() {
  return 0;
}
