// A program that predicts and is one file: the network comes with weights.hpp, which `captcha export
// --header` writes, and lies in the program itself.
//   main PICTURE.png…
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/model/predictor.hpp>

#include <weights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <vector>

// [read]
using namespace captcha;

void read(auto& predictor, const char* file) {
  const Image image = resize(to_grey(read_png(file)), weights::input.height, weights::input.width);
  std::vector<float> pixels(image.pixels.begin(), image.pixels.end());
  Random unused(0);
  Standardise{}(pixels, weights::input, unused);  // as weights::normalisation says

  const std::vector<float> p = predictor.probabilities(pixels);
  const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
  std::printf("%s: %s %.4f\n", file, weights::classes[best].data(), static_cast<double>(p[best]));
}

int main(int argc, char** argv) {
  try {
    Predictor predictor(weights::load());
    for (int i = 1; i < argc; ++i) read(predictor, argv[i]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
// [read]
