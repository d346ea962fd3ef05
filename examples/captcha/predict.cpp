// captcha predict: which character an image shows.
#include <captcha/model/inference.hpp>
#include <captcha/train/fit.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "terminal.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

namespace captcha::app {
namespace {

/// The probability of each class, by class number.
using Probabilities = std::array<double, labels.size()>;

Probabilities classify(const Weights<Network>& weights, Inference<Network, character>& inference,
                       const Image& image, Workers& workers) {
  std::array<float, character.size()> pixels;
  std::transform(image.pixels.begin(), image.pixels.end(), pixels.begin(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0f; });
  Random unused(0);
  Standardise{}(pixels, character, unused);
  std::array<float, character.size()> batch;
  interleave<float>(pixels, character, 1, batch.data(), 0, 1);
  const auto logits = inference(weights, batch.data(), 1, workers);
  const float top = *std::max_element(logits.begin(), logits.end());
  Probabilities p{};
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += p[c] = std::exp(static_cast<double>(logits[c] - top));
  for (double& value : p) value /= sum;
  return p;
}

Image character_image(const std::filesystem::path& file, bool resizes) {
  Image image = to_grey(read_image(file));
  if (image.height == character.height && image.width == character.width) return image;
  if (!resizes)
    throw Error(file.string() + ": " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                " pixels (width x height), expected " + std::to_string(character.width) + " x " +
                std::to_string(character.height) + "; use --resize to accept it");
  return resize(image, character.height, character.width);
}

}  // namespace

int predict(const PredictArguments& arguments) {
  const Weights<Network> weights = load_model(arguments.model);
  Inference<Network, character> inference(1);
  Workers workers(std::max(1, arguments.threads));
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  bool all_read = true;
  for (const auto& file : arguments.files) {
    try {
      const Image image = character_image(file, arguments.resize);
      const Probabilities p = classify(weights, inference, image, workers);
      std::array<std::size_t, labels.size()> order;
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::partial_sort(order.begin(), order.begin() + 3, order.end(),
                        [&p](std::size_t a, std::size_t b) { return p[a] > p[b]; });
      if (arguments.json) {
        nlohmann::ordered_json top = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < 3; ++i)
          top.push_back({{"label", std::string(1, labels[order[i]])}, {"probability", p[order[i]]}});
        report.push_back({{"file", file.string()},
                          {"label", std::string(1, labels[order[0]])},
                          {"probability", p[order[0]]},
                          {"top", top}});
        continue;
      }
      const std::vector<std::string> picture =
          arguments.draw ? picture_lines(image) : std::vector<std::string>{};
      std::printf("%s\n", file.c_str());
      for (std::size_t line = 0; line < std::max<std::size_t>(picture.size(), 3); ++line) {
        std::printf("  %s", line < picture.size() ? picture[line].c_str() : "");
        if (line < 3)
          std::printf("  %c  %s %5.1f %%", labels[order[line]], bar(p[order[line]]).c_str(),
                      100 * p[order[line]]);
        std::printf("\n");
      }
    } catch (const Error& error) {
      all_read = false;
      std::fprintf(stderr, "captcha: %s\n", error.what());
      if (arguments.json) report.push_back({{"file", file.string()}, {"error", error.what()}});
    }
  }
  if (arguments.json) std::printf("%s\n", report.dump(2).c_str());
  return all_read ? 0 : 1;
}

}  // namespace captcha::app
