// captcha evaluate-solver: how well a solver reads the labelled CAPTCHAs of a folder.
#include <captcha/train/fit_options.hpp>

#include "captcha_reader.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

struct EvaluateSolverArguments {
  std::filesystem::path model;
  std::filesystem::path data;
  CaptchaFiles how{};
  bool json = false;
  bool quiet = false;
  int threads = 0;
};

/// Whether a reading is right, and how sure it was.
struct JudgedCaptcha {
  std::size_t index;
  Reading reading;
  std::string solution;
  std::size_t letters_right;

  bool right() const { return letters_right == solution_length; }
};

/// How many readings have a confidence of at least `least`, and how many of those are right.
struct Sure {
  double least;
  std::size_t count = 0;
  std::size_t right = 0;
};

int evaluate_solver(const EvaluateSolverArguments& arguments) {
  const CaptchaReader solver =
      captcha_reader(arguments.model, arguments.threads > 0 ? arguments.threads : all_threads());
  const Captchas data(arguments.data, arguments.how, BadFiles::skip);
  name_bad_files(data.report());

  std::vector<JudgedCaptcha> all;
  Progress progress("reading", arguments.quiet);
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < data.size(); first += Solver::batch) {
    progress(first, data.size());
    std::vector<Image> images;
    for (std::size_t i = first; i < std::min(first + Solver::batch, data.size()); ++i)
      images.push_back(data.image(i));
    for (const Reading& reading : solver(images)) {
      const std::string solution = data.group(all.size());
      std::size_t right = 0;
      for (std::size_t i = 0; i < solution_length; ++i) right += reading.text[i] == solution[i];
      all.push_back({all.size(), reading, solution, right});
    }
  }
  progress(data.size(), data.size());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  std::size_t right = 0, letters = 0;
  std::vector<Sure> table{{0.999}, {0.99}, {0.9}, {0.5}, {0}};
  std::vector<const JudgedCaptcha*> mistakes;
  for (const JudgedCaptcha& judged : all) {
    right += judged.right();
    letters += judged.letters_right;
    if (!judged.right()) mistakes.push_back(&judged);
    for (Sure& line : table) {
      if (judged.reading.confidence < line.least) continue;
      ++line.count;
      line.right += judged.right();
    }
  }
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const JudgedCaptcha* a, const JudgedCaptcha* b) {
    return a->reading.confidence > b->reading.confidence;
  });
  const auto share = [](std::size_t part, std::size_t of) {
    return of == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(of);
  };
  const double exact = share(right, all.size()), single = share(letters, solution_length * all.size());
  const double speed = static_cast<double>(all.size()) / seconds;

  if (arguments.json) {
    nlohmann::ordered_json report{{"images", all.size()},
                                  {"accuracy", exact},
                                  {"letter_accuracy", single},
                                  {"images_per_second", speed},
                                  {"confidence", nlohmann::ordered_json::array()},
                                  {"mistakes", nlohmann::ordered_json::array()},
                                  {"bad", nlohmann::ordered_json::array()}};
    for (const Sure& line : table)
      report["confidence"].push_back({{"least", line.least}, {"images", line.count}, {"right", line.right}});
    for (const JudgedCaptcha* m : mistakes)
      report["mistakes"].push_back({{"file", data.name(m->index)},
                                    {"solution", m->solution},
                                    {"text", m->reading.text},
                                    {"confidence", m->reading.confidence}});
    for (const BadFile& bad : data.report())
      report["bad"].push_back({{"file", bad.name}, {"reason", bad.reason}});
    print_report(report);
  } else {
    std::printf(
        "%s: %zu CAPTCHAs, %.2f %% read without a mistake, %.2f %% of the letters right, %.0f images/s\n",
        arguments.data.c_str(), all.size(), 100 * exact, 100 * single, speed);
    std::printf("\nconfidence     CAPTCHAs  right\n");
    for (const Sure& line : table)
      std::printf("%5.1f %% or more  %7zu  %s\n", 100 * line.least, line.count,
                  line.count == 0 ? "-" : (std::to_string(line.right) + " of them").c_str());
    if (!mistakes.empty()) std::printf("\nwrong, the surest first:\n");
    for (std::size_t i = 0; i < mistakes.size() && i < 20; ++i)
      std::printf("  %s: read as %s with %.1f %%\n", data.name(mistakes[i]->index).c_str(),
                  mistakes[i]->reading.text.c_str(), 100 * mistakes[i]->reading.confidence);
    if (mistakes.size() > 20) std::printf("  and %zu more; --json lists all\n", mistakes.size() - 20);
  }
  count_bad_files(data.report().size());
  return data.report().empty() ? 0 : exit_data;
}

}  // namespace

void add_evaluate_solver(Commands& commands) {
  const auto a = std::make_shared<EvaluateSolverArguments>();
  CLI::App* c = commands.add("evaluate-solver", "Measure how well a solver reads a folder of CAPTCHAs",
                             [a](CLI::App&) { return evaluate_solver(*a); });
  c->add_option("--model", a->model, "Model file of a run of train-solver, or of train (slower)")
      ->required()
      ->type_name("FILE");
  c->add_option("--data", a->data, "Folder of CAPTCHAs named by their solution: 2b827.png")
      ->required()
      ->type_name("DIR");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", a->how.resize, "Accept images of other sizes than 200 x 50");
  c->add_flag("--trust-jpeg", a->how.trust_jpeg,
              "Read JPEG files too; only for files you trust: the decoder has open security holes");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer(
      "Exit code 1 says that some files could not be used; they are named, and the others are counted.\n"
      "A model of train must look for the characters first, which takes half a second a CAPTCHA.\n\n"
      "Examples:\n  captcha evaluate-solver --model runs/solver/final.safetensors --data captchas");
}

}  // namespace captcha::app
