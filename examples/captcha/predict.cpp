// captcha predict: which character an image shows.
#include <captcha/model/predictor.hpp>
#include <captcha/train/fit.hpp>

#include "character_image.hpp"
#include "characters.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "ranking.hpp"
#include "report.hpp"
#include "standard_input.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

struct PredictArguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> files;
  bool json = false;
  bool draw = false;
  bool resize = false;
  bool quiet = false;
  int threads = 0;
};

Image image_of(const std::filesystem::path& file, bool resizes) {
  if (file != "-" && is_folder(file))
    throw Error(file.string() + ": a folder, expected an image; `captcha evaluate` reads folders");
  return file == "-" ? as_character(decode_png(standard_input(), "standard input"), "standard input", resizes)
                     : as_character(read_png(file), file.string(), resizes);
}

void print_text(const std::string& name, const Image& image, const Ranking& ranking, bool draw) {
  const std::vector<std::string> picture = draw ? picture_lines(image) : std::vector<std::string>{};
  std::printf("%s\n", printable(name).c_str());
  for (std::size_t line = 0; line < std::max<std::size_t>(picture.size(), 3); ++line) {
    std::printf("  %s", line < picture.size() ? picture[line].c_str() : "");
    if (line < 3) {
      std::printf("  %c  %s %5.1f %%", labels[ranking.order[line]], bar(ranking.at(line)).c_str(),
                  100 * ranking.at(line));
    }
    std::printf("\n");
  }
}

int predict(const PredictArguments& arguments) {
  Predictor<Network, character> predictor(load_model(arguments.model),
                                          arguments.threads > 0 ? arguments.threads : all_threads());
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  bool all_read = true;
  // On a terminal the readings themselves show how far it is.
  Progress progress("reading", arguments.quiet || (!arguments.json && is_terminal(stdout)));
  std::size_t done = 0;
  for (const auto& file : arguments.files) {
    progress(done++, arguments.files.size());
    try {
      const Image image = image_of(file, arguments.resize);
      const Ranking ranking(predictor.probabilities(prepared(image)));
      if (arguments.json)
        report.push_back({{"file", file.string()},
                          {"label", label_name(ranking.best())},
                          {"probability", ranking.at(0)},
                          {"top", top_json(ranking)}});
      else
        print_text(file.string(), image, ranking, arguments.draw);
    } catch (const Error& error) {
      all_read = false;
      print_error(error.what());
      if (arguments.json) report.push_back({{"file", file.string()}, {"error", error.what()}});
    }
  }
  progress(done, arguments.files.size());
  if (arguments.json) print_report(report);
  return all_read ? 0 : exit_data;
}

}  // namespace

void add_predict(Commands& commands) {
  const auto a = std::make_shared<PredictArguments>();
  CLI::App* c = commands.add("predict", "Read single characters", [a](CLI::App&) { return predict(*a); });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  c->add_option("FILE", a->files, "PNG images; - reads one from standard input")
      ->required()
      ->type_name("FILE");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--draw", a->draw, "Draw the images too");
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer(
      "Exit code 1 says that a file could not be read; the others are answered all the same.\n\n"
      "Examples:\n"
      "  captcha predict --model runs/first/final.safetensors --draw unseen/2_0.png unseen/3_1.png\n"
      "  captcha predict --model runs/first/final.safetensors --json - < unseen/2_0.png");
}

}  // namespace captcha::app
