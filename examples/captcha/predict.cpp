// captcha predict: which character an image shows.
#include <captcha/model/predictor.hpp>
#include <captcha/train/fit.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <numeric>
#include <vector>

namespace captcha::app {
namespace {

struct PredictArguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> files;
  bool json = false;
  bool draw = false;
  bool resize = false;
  int threads = 0;
};

/// The probability of each class, by class number.
std::vector<float> classify(Predictor<Network, character>& predictor, const Image& image) {
  std::array<float, character.size()> pixels;
  std::transform(image.pixels.begin(), image.pixels.end(), pixels.begin(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0f; });
  Random unused(0);
  Standardise{}(pixels, character, unused);
  return predictor.probabilities(pixels);
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

int predict(const PredictArguments& arguments) {
  Predictor<Network, character> predictor(load_model(arguments.model),
                                          arguments.threads > 0 ? arguments.threads : all_threads());
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  bool all_read = true;
  for (const auto& file : arguments.files) {
    try {
      const Image image = character_image(file, arguments.resize);
      const std::vector<float> p = classify(predictor, image);
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
          std::printf("  %c  %s %5.1f %%", labels[order[line]],
                      bar(static_cast<double>(p[order[line]])).c_str(),
                      100 * static_cast<double>(p[order[line]]));
        std::printf("\n");
      }
    } catch (const Error& error) {
      all_read = false;
      std::fprintf(stderr, "captcha: %s\n", error.what());
      if (arguments.json) report.push_back({{"file", file.string()}, {"error", error.what()}});
    }
  }
  if (arguments.json) print_report(report);
  return all_read ? 0 : 1;
}

}  // namespace

void add_predict(Commands& commands) {
  const auto a = std::make_shared<PredictArguments>();
  CLI::App* c = commands.add("predict", "Read single characters", [a](CLI::App&) { return predict(*a); });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  c->add_option("FILE", a->files, "PNG images")->required()->type_name("FILE");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--draw", a->draw, "Draw the images too");
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_flag("--json", a->json, "Print JSON");
  c->footer(
      "Examples:\n"
      "  captcha predict --model runs/first/final.safetensors unseen/2_0.png unseen/3_1.png\n"
      "  captcha predict --model runs/first/final.safetensors --draw unseen/2_0.png\n\n"
      "Exit code 1: an image could not be read; the others are answered.");
}

}  // namespace captcha::app
