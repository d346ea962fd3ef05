// A program that reads characters or whole CAPTCHAs and is one file: the network comes with weights.hpp,
// which `captcha export --header` writes, and lies in the program itself.
//   main PICTURE.png…
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/model/predictor.hpp>

#include <weights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

// [read]
using namespace captcha;

void read(auto& predictor, const char* file) {
  const Image image = resize(to_grey(read_png(file)), weights::input.height, weights::input.width);
  std::vector<float> pixels(image.pixels.begin(), image.pixels.end());
  Random unused(0);
  Standardise{}(pixels, weights::input, unused);  // as weights::normalisation says

  // As many outputs as there are classes, for each letter: one, or the five of a whole CAPTCHA.
  const std::vector<float> logits = predictor(pixels);
  std::string text;
  double sure = 1;
  for (std::size_t letter = 0; letter < logits.size(); letter += weights::classes.size()) {
    const std::vector<float> p = softmax(std::span(logits).subspan(letter, weights::classes.size()));
    const auto best = std::max_element(p.begin(), p.end());
    text += weights::classes[static_cast<std::size_t>(best - p.begin())];
    sure *= static_cast<double>(*best);
  }
  std::printf("%s: %s %.4f\n", file, text.c_str(), sure);
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
