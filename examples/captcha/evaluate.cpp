// captcha evaluate: how well a model reads the characters of a folder.
#include <captcha/train/fit.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "evaluation.hpp"
#include "figures.hpp"
#include "mistake_sheet.hpp"
#include "option_checks.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace captcha::app {
namespace {

struct EvaluateArguments {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path sheet;
  std::filesystem::path csv;
  bool json = false;
  bool resize = false;
  bool quiet = false;
  int threads = 0;
};

bool occurs(const ConfusionMatrix& confusion, std::size_t number) {
  return confusion.samples(number) + confusion.predictions(number) > 0;
}

void print_classes(const ConfusionMatrix& confusion) {
  std::printf("\nclass  images   recall  precision       F1  taken for\n");
  for (std::size_t truth = 0; truth < confusion.classes(); ++truth) {
    if (!occurs(confusion, truth)) continue;
    std::vector<std::pair<std::uint64_t, std::size_t>> mistakes;
    for (std::size_t other = 0; other < confusion.classes(); ++other)
      if (other != truth && confusion.count(truth, other) > 0)
        mistakes.emplace_back(confusion.count(truth, other), other);
    std::sort(mistakes.rbegin(), mistakes.rend());
    std::printf("%5c  %6llu  %7s  %9s  %7s", labels[truth],
                static_cast<unsigned long long>(confusion.samples(truth)),
                percent(confusion.recall(truth), 1).c_str(), percent(confusion.precision(truth), 1).c_str(),
                percent(confusion.f1(truth), 1).c_str());
    const char* gap = "  ";
    for (const auto& [count, other] : mistakes) {
      std::printf("%s%c:%llu", gap, labels[other], static_cast<unsigned long long>(count));
      gap = " ";
    }
    std::printf("\n");
  }
}

void print_confusion(const ConfusionMatrix& confusion) {
  std::uint64_t most = 0;
  for (std::size_t a = 0; a < confusion.classes(); ++a)
    for (std::size_t b = 0; b < confusion.classes(); ++b) most = std::max(most, confusion.count(a, b));
  const int width = static_cast<int>(std::to_string(most).size()) + 1;
  std::printf("\nlabels down, readings across\n ");
  for (std::size_t c = 0; c < confusion.classes(); ++c)
    if (occurs(confusion, c)) std::printf("%*c", width, labels[c]);
  std::printf("\n");
  for (std::size_t truth = 0; truth < confusion.classes(); ++truth) {
    if (!occurs(confusion, truth)) continue;
    std::printf("%c", labels[truth]);
    for (std::size_t c = 0; c < confusion.classes(); ++c) {
      if (!occurs(confusion, c)) continue;
      const std::uint64_t count = confusion.count(truth, c);
      std::printf("%*s", width, count == 0 ? "." : std::to_string(count).c_str());
    }
    std::printf("\n");
  }
}

void print_calibration(const Calibration<>& calibration) {
  std::printf("\ncalibration error %.2f %%, Brier score %.4f\n", 100 * calibration.value(),
              calibration.brier());
  std::printf("  how sure      images  on average    right\n");
  const auto& bins = calibration.bins();
  for (std::size_t b = 0; b < bins.size(); ++b) {
    if (bins[b].samples == 0) continue;
    const double width = 100.0 / static_cast<double>(bins.size());
    std::printf("%4.0f to %3.0f %%  %8.0f  %10s  %7s  %s\n", width * static_cast<double>(b),
                width * static_cast<double>(b + 1), bins[b].samples,
                percent(bins[b].mean_confidence(), 1).c_str(), percent(bins[b].accuracy(), 1).c_str(),
                bar(bins[b].accuracy(), 15).c_str());
  }
}

nlohmann::ordered_json to_json(const Evaluation& e, const JudgedImages& folder) {
  using nlohmann::ordered_json;
  ordered_json report{{"images", folder.size()},
                      {"accuracy", e.accuracy.value()},
                      {"top3", e.top3.value()},
                      {"balanced_accuracy", e.confusion.value()},
                      {"loss", e.loss},
                      {"calibration_error", e.calibration.value()},
                      {"brier", e.calibration.brier()},
                      {"images_per_second", e.images_per_second},
                      {"confusion", ordered_json::array()},
                      {"classes", class_names()},
                      {"by_class", ordered_json::array()},
                      {"calibration", ordered_json::array()},
                      {"mistakes", ordered_json::array()}};
  for (std::size_t truth = 0; truth < e.confusion.classes(); ++truth) {
    auto row = ordered_json::array();
    for (std::size_t other = 0; other < e.confusion.classes(); ++other)
      row.push_back(e.confusion.count(truth, other));
    report["confusion"].push_back(row);
    report["by_class"].push_back({{"label", label_name(truth)},
                                  {"images", e.confusion.samples(truth)},
                                  {"recall", e.confusion.recall(truth)},
                                  {"precision", e.confusion.precision(truth)},
                                  {"f1", e.confusion.f1(truth)}});
  }
  for (const CalibrationBin& bin : e.calibration.bins())
    report["calibration"].push_back({{"images", static_cast<std::uint64_t>(bin.samples)},
                                     {"confidence", bin.mean_confidence()},
                                     {"accuracy", bin.accuracy()}});
  for (const Judged* m : e.mistakes())
    report["mistakes"].push_back({{"file", folder.name(m->index)},
                                  {"label", label_name(m->truth)},
                                  {"prediction", label_name(m->ranking.best())},
                                  {"probability", m->ranking.at(0)},
                                  {"top", top_json(m->ranking)}});
  return report;
}

void print_text(const Evaluation& e, const JudgedImages& folder, const std::filesystem::path& data) {
  std::printf("%s: %zu images, %.2f %% right, %.2f %% among the first three, loss %.4f, %.0f images/s\n",
              data.c_str(), folder.size(), 100 * e.accuracy.value(), 100 * e.top3.value(), e.loss,
              e.images_per_second);
  print_classes(e.confusion);
  print_confusion(e.confusion);
  print_calibration(e.calibration);
  const auto mistakes = e.mistakes();
  if (mistakes.empty()) return;
  std::printf("\nwrong, the surest first:\n");
  for (std::size_t i = 0; i < mistakes.size() && i < 20; ++i)
    std::printf("  %s: read as %c with %.0f %%\n", folder.name(mistakes[i]->index).c_str(),
                labels[mistakes[i]->ranking.best()], 100 * mistakes[i]->ranking.at(0));
  if (mistakes.size() > 20)
    std::printf("  and %zu more; --json lists all, --sheet FILE.png shows them\n", mistakes.size() - 20);
}

int evaluate(const EvaluateArguments& arguments) {
  require_apart({{"--model", arguments.model}, {"--sheet", arguments.sheet}, {"--csv", arguments.csv}});
  require_writable(arguments.sheet);
  require_writable(arguments.csv);
  const Weights<Network> weights = load_model(arguments.model);
  const JudgedImages folder = all_of(open_characters(arguments.data, arguments.resize));
  Workers workers(arguments.threads > 0 ? arguments.threads : all_threads());
  Progress progress("reading", arguments.quiet);
  const Evaluation evaluation = evaluate_folder(weights, folder, workers, progress);
  if (!arguments.sheet.empty()) write_mistake_sheet(arguments.sheet, folder, evaluation.mistakes());
  if (!arguments.csv.empty()) write_predictions(arguments.csv, evaluation, folder);
  if (arguments.json)
    print_report(to_json(evaluation, folder));
  else
    print_text(evaluation, folder, arguments.data);
  return 0;
}

}  // namespace

void add_evaluate(Commands& commands) {
  const auto a = std::make_shared<EvaluateArguments>();
  CLI::App* c = commands.add("evaluate", "Measure how well a model reads a folder",
                             [a](CLI::App&) { return evaluate(*a); });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  c->add_option("--data", a->data, "Folder of characters")->required()->type_name("DIR");
  c->add_option("--sheet", a->sheet, "Write a PNG that shows what was read wrongly")->type_name("FILE");
  c->add_option("--csv", a->csv, "Write a table of all predictions, with the probability of each class")
      ->type_name("FILE");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer(
      "Examples:\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen --sheet wrong.png\n"
      "  captcha evaluate --model runs/first/best.safetensors --data unseen --csv all.csv\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen --json | jq .accuracy");
}

}  // namespace captcha::app
