// A program outside the tree that uses the library; the three consumer projects build and run it.
#include <captcha/core/random.hpp>
#include <captcha/core/shape.hpp>
#include <captcha/data/png.hpp>

#include <iostream>
#include <string>

static_assert(captcha::chw(1, 52, 32).size() == 1664);

int main() {
  captcha::Random random(1);
  const float value = random.uniform();
  const captcha::Image grey = captcha::decode_png(captcha::encode_png({1, 2, 1, {0, 255}}), "two pixels");
  std::cout << captcha::to_string(captcha::chw(1, 52, 32)) << ", " << value << '\n';
  return value >= 0.0f && value < 1.0f && grey.pixels[1] == 255 ? 0 : 1;
}
