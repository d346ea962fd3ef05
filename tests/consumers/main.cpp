// A program outside the tree that uses the library; the three consumer projects build and run it.
#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>

#include <iostream>

static_assert(captcha::chw(1, 52, 32).size() == 1664);

int main() {
  captcha::Random random(1);
  const float value = random.uniform();
  std::cout << captcha::to_string(captcha::chw(1, 52, 32)) << ", " << value << '\n';
  return value >= 0.0f && value < 1.0f ? 0 : 1;
}
