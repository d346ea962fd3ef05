// captcha evaluate: how well a model reads the characters of a folder.
#include <captcha/metric/metrics.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/train/evaluate.hpp>
#include <captcha/train/fit.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "sheet.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <vector>

namespace captcha::app {
namespace {

struct EvaluateArguments {
  std::filesystem::path model;
  std::filesystem::path data;
  std::filesystem::path sheet;
  bool json = false;
  bool resize = false;
  bool quiet = false;
  int threads = 0;
};

void print_table(const ConfusionMatrix& confusion) {
  std::printf("\nclass  images  recall  precision  taken for\n");
  for (std::size_t truth = 0; truth < confusion.classes(); ++truth) {
    std::uint64_t images = 0, chosen = 0;
    std::vector<std::pair<std::uint64_t, std::size_t>> mistakes;
    for (std::size_t other = 0; other < confusion.classes(); ++other) {
      images += confusion.count(truth, other);
      chosen += confusion.count(other, truth);
      if (other != truth && confusion.count(truth, other) > 0)
        mistakes.emplace_back(confusion.count(truth, other), other);
    }
    if (images + chosen == 0) continue;
    std::sort(mistakes.rbegin(), mistakes.rend());
    const auto share = [&](std::uint64_t of) {
      char text[16] = "-";
      if (of > 0)
        std::snprintf(text, sizeof text, "%.1f %%",
                      100.0 * static_cast<double>(confusion.count(truth, truth)) / static_cast<double>(of));
      return std::string(text);
    };
    std::printf("%5c  %6llu  %7s  %9s", labels[truth], static_cast<unsigned long long>(images),
                share(images).c_str(), share(chosen).c_str());
    const char* gap = "  ";
    for (const auto& [count, other] : mistakes) {
      std::printf("%s%c:%llu", gap, labels[other], static_cast<unsigned long long>(count));
      gap = " ";
    }
    std::printf("\n");
  }
}

int evaluate(const EvaluateArguments& arguments) {
  const Weights<Network> weights = load_model(arguments.model);
  const Characters folder = open_characters(arguments.data, arguments.resize);
  const auto data = map(folder, Standardise{});
  Workers workers(arguments.threads > 0 ? arguments.threads : all_threads());

  TopK<1> accuracy;
  TopK<3> top3;
  ConfusionMatrix confusion;
  std::vector<Mistake> mistakes;
  std::vector<float> logits(labels.size());
  double loss = 0;
  Progress progress("reading", arguments.quiet);
  std::size_t done = 0;
  const auto start = std::chrono::steady_clock::now();
  for_each_prediction(
      weights, data, {.batch_size = 64}, workers, [&](const auto& batch, Outputs<const float> outputs) {
        progress(done += batch.size(), data.size());
        loss +=
            CrossEntropy{}(outputs, batch.targets(), Outputs<float>{}) * static_cast<double>(batch.size());
        accuracy.add(outputs, batch.targets());
        top3.add(outputs, batch.targets());
        confusion.add(outputs, batch.targets());
        for (std::size_t n = 0; n < batch.size(); ++n) {
          const auto truth = static_cast<std::size_t>(batch.targets()[n]);
          for (std::size_t c = 0; c < logits.size(); ++c) logits[c] = outputs(c, n);
          const auto best = static_cast<std::size_t>(
              std::distance(logits.begin(), std::max_element(logits.begin(), logits.end())));
          if (best != truth)
            mistakes.push_back({batch.indices()[n], truth, best, static_cast<double>(softmax(logits)[best])});
        }
      });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::sort(mistakes.begin(), mistakes.end(),
            [](const Mistake& a, const Mistake& b) { return a.probability > b.probability; });
  if (!arguments.sheet.empty()) write_sheet(arguments.sheet, folder, mistakes);

  const double images = static_cast<double>(folder.size());
  if (arguments.json) {
    nlohmann::ordered_json report{{"images", folder.size()},
                                  {"accuracy", accuracy.value()},
                                  {"top3", top3.value()},
                                  {"loss", loss / images},
                                  {"images_per_second", images / seconds},
                                  {"confusion", nlohmann::ordered_json::array()},
                                  {"classes", class_names()},
                                  {"mistakes", nlohmann::ordered_json::array()}};
    for (std::size_t truth = 0; truth < confusion.classes(); ++truth) {
      auto row = nlohmann::ordered_json::array();
      for (std::size_t other = 0; other < confusion.classes(); ++other)
        row.push_back(confusion.count(truth, other));
      report["confusion"].push_back(row);
    }
    for (const Mistake& m : mistakes)
      report["mistakes"].push_back({{"file", folder.name(m.index)},
                                    {"label", std::string(1, labels[m.truth])},
                                    {"prediction", std::string(1, labels[m.prediction])},
                                    {"probability", m.probability}});
    print_report(report);
    return 0;
  }
  std::printf("%s: %zu images, %.2f %% right, %.2f %% among the first three, loss %.4f, %.0f images/s\n",
              arguments.data.c_str(), folder.size(), 100 * accuracy.value(), 100 * top3.value(),
              loss / images, images / seconds);
  print_table(confusion);
  if (!mistakes.empty()) {
    std::printf("\nwrong, the surest first:\n");
    for (std::size_t i = 0; i < mistakes.size() && i < 20; ++i)
      std::printf("  %s: read as %c with %.0f %%\n", folder.name(mistakes[i].index).c_str(),
                  labels[mistakes[i].prediction], 100 * mistakes[i].probability);
    if (mistakes.size() > 20)
      std::printf("  and %zu more; --json lists all, --sheet FILE.png shows them\n", mistakes.size() - 20);
  }
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
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer(
      "Examples:\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen --sheet wrong.png\n"
      "  captcha evaluate --model runs/first/final.safetensors --data unseen --json | jq .accuracy");
}

}  // namespace captcha::app
