// captcha visualize: a report on one or more runs, to be looked at.
#include <captcha/kernels/workers.hpp>
#include <captcha/train/fit.hpp>

#include "characters.hpp"
#include "commands.hpp"
#include "confusion_chart.hpp"
#include "evaluation.hpp"
#include "figures.hpp"
#include "generate_folder.hpp"
#include "heat_score.hpp"
#include "judged_images.hpp"
#include "option_checks.hpp"
#include "paths.hpp"
#include "report_charts.hpp"
#include "report_page.hpp"
#include "report_pictures.hpp"
#include "run_record.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

struct VisualizeArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path data;  ///< empty: what the runs were judged by
  std::filesystem::path out;   ///< empty: a folder of the run
  std::vector<std::filesystem::path> cam;
  std::vector<std::string> layers{heat_layer};
  bool resize = false;
  bool quiet = false;
  int threads = 0;
};

constexpr std::size_t mistakes_shown = 24, doubtful_shown = 12, mistakes_explained = 6;
constexpr std::size_t images_scored = 200;

/// The page and the files beside it, which a signal undoes.
class Report {
 public:
  Report(const std::filesystem::path& folder, const std::string& title)
      : page(title), files_(folder, is_there(folder / "report.html")) {}

  std::string chart(const Svg& svg, const std::string& id) {
    files_.write(id + ".svg", svg.file());
    return svg.inlined();
  }
  void gallery(const Gallery& gallery, const std::string& id) {
    Interruptible::stop_if_asked();
    page.add(gallery.html);
    files_.write(id + ".png", gallery.sheet);
  }
  void picture(const Image& image, const std::string& says, const std::string& id) {
    page.add(html_picture(image, says, 1));
    files_.write(id + ".png", image);
  }
  void commit() {
    Interruptible::stop_if_asked();
    files_.write("report.html", page.html());
    files_.commit();
  }

  ReportPage page;

 private:
  NewFolder files_;
};

void add_overview(Report& report, const std::vector<JudgedRun>& runs, const JudgedImages& folder,
                  const std::filesystem::path& data) {
  const std::string of =
      data.empty() ? " images that the training was judged by" : " images of " + data.string();
  ReportPage& page = report.page;
  page.section(
      "results", "Results",
      "On " + std::to_string(folder.size()) + of +
          ", by captcha " CAPTCHA_VERSION
          ". Model: final.safetensors of a run that came to its end, "
          "else best.safetensors, that of its best epoch so far. Top-3: the label is among the three "
          "most probable classes. By class: right, if all classes were equally frequent. images/s: "
          "how fast they were read for this report.");
  page.add(html_table(result_table(runs)));
  if (const auto settings = settings_table(runs); settings.size() > 1)
    page.details(runs.size() == 1 ? "Settings" : "Settings that differ", html_table(settings));

  page.section("curves", "Training");
  bool any = false;
  for (const JudgedRun& run : runs) any = any || !run.record.history.empty();
  if (!any) {
    page.paragraph("There is no metrics.jsonl beside the model.");
  } else {
    const char* const ids[] = {"loss", "accuracy", "learning-rate", "speed"};
    std::string charts;
    std::size_t number = 0;
    for (const Svg& svg : learning_curves(runs)) charts += report.chart(svg, ids[number++]);
    page.add("<div class=\"charts\">\n" + charts + "</div>\n");
    for (const JudgedRun& run : runs)
      page.details(runs.size() == 1 ? "Numbers" : "Numbers of " + run.record.name,
                   html_table(epoch_table(run.record)));
  }

  page.section(
      "classes", "Classes and calibration",
      "Precision: of those read as the class, the share that is. Recall: of the class, the share that "
      "was read. F1: their harmonic mean. Calibration: how often the network is right, over how sure "
      "it is; on the dashed line the two are equal, the error is the mean gap (Guo et al. 2017, "
      "arXiv:1706.04599), and larger marks stand for more images; bins of fewer than five are left out.");
  const std::string classes = report.chart(class_chart(runs), "classes");
  const std::string calibration = report.chart(calibration_chart(runs), "calibration");
  page.add("<div class=\"charts\">\n" + classes + calibration + "</div>\n");
  for (const JudgedRun& run : runs)
    page.details(runs.size() == 1 ? "Numbers by class" : "Numbers by class of " + run.record.name,
                 html_table(class_table(run.evaluation.confusion)));
}

/// What painting over the places marked most does to the readings of up to `images_scored` images. Calls
/// `next` for each image at each layer, and once more for each.
std::vector<std::vector<std::string>> score_table(const Weights<Network>& weights, const JudgedImages& folder,
                                                  const std::vector<std::string>& layers,
                                                  const std::function<void()>& next) {
  std::vector<Image> images;
  const std::size_t count = std::min(folder.size(), images_scored);
  for (std::size_t i = 0; i < count; ++i) images.push_back(folder_image(folder, i * folder.size() / count));
  std::vector<std::vector<std::string>> rows{{"with the fifth of an image painted over that is marked by",
                                              "the probability of the class falls by", "map empty"}};
  for (const std::string& layer : layers) {
    const HeatScore score = heat_score(weights, images, layer, next);
    rows.push_back({layer, decimals(score.fall, 3), percent(score.empty, 1)});
  }
  rows.push_back({"blots anywhere", decimals(heat_score(weights, images, "", next).fall, 3), "-"});
  return rows;
}

/// What is shown of each run by itself: in a section each, or all in one where there are several runs.
/// `number` ends the names of its files; it is empty for a run alone.
void add_run(Report& report, const JudgedRun& run, const Weights<Network>& weights,
             const JudgedImages& folder, const std::vector<Image>& asked, const VisualizeArguments& arguments,
             const std::string& number, const std::function<void()>& next) {
  ReportPage& page = report.page;
  const Evaluation& e = run.evaluation;
  const auto id = [&](const char* name) { return name + number; };
  const auto section = [&](const char* name, const char* heading, const std::string& explanation) {
    if (number.empty())
      page.section(name, heading, explanation);
    else
      page.part(heading, explanation);
  };
  if (!number.empty()) page.section("run" + number, run.record.name);

  section("confusion", "Confusion",
          "Labels down, readings across. Blue is right, orange a mistake, the stronger the larger its share "
          "of the label.");
  std::string matrices;
  for (const bool normalised : {false, true}) {
    const std::string name = id(normalised ? "confusion-percent" : "confusion");
    const ChartName text{"chart-" + name, normalised ? "Confusion, % of each label" : "Confusion, images",
                         "How often each label was read as each class by " + run.record.name};
    matrices += "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Chart\">" +
                report.chart(confusion_chart(text, e.confusion, class_names(), normalised), name) + "</div>";
  }
  page.add("<div class=\"charts\">" + matrices + "</div>\n");

  const auto mistakes = e.mistakes();
  section("mistakes", "Mistakes",
          mistakes.empty()
              ? "None."
              : "The surest first, " + std::to_string(std::min(mistakes.size(), mistakes_shown)) + " of " +
                    std::to_string(mistakes.size()) + ".");
  if (!mistakes.empty()) report.gallery(reading_gallery(mistakes, mistakes_shown, folder), id("mistakes"));
  const auto doubtful = e.doubtful();
  section("doubtful", "Right, but hardly", "The least sure first.");
  if (!doubtful.empty()) report.gallery(reading_gallery(doubtful, doubtful_shown, folder), id("doubtful"));

  std::string layers;
  for (const std::string& layer : arguments.layers) layers += (layers.empty() ? "" : ", ") + layer;
  section("heat", "Where it looks",
          "Grad-CAM (Selvaraju et al. 2016, arXiv:1610.02391) at " + layers +
              ": the lighter, the more speaks for the class that was read; for mistakes then what speaks "
              "for the label.");
  HeatGallery heat(weights, arguments.layers);
  if (asked.empty()) {
    for (std::size_t i = 0; i < std::min(mistakes.size(), mistakes_explained); ++i)
      heat.add(folder_image(folder, mistakes[i]->index), file_name(folder.name(mistakes[i]->index)),
               mistakes[i]->ranking, mistakes[i]->truth);
    for (std::size_t label = 0; label < labels.size(); ++label) {
      const auto found = std::find_if(e.readings.begin(), e.readings.end(),
                                      [&](const Judged& r) { return r.truth == label && r.right(); });
      if (found != e.readings.end())
        heat.add(folder_image(folder, found->index), file_name(folder.name(found->index)), found->ranking,
                 label);
    }
  } else {
    Predictor<Network, character> predictor(weights);
    for (std::size_t i = 0; i < asked.size(); ++i)
      heat.add(asked[i], arguments.cam[i].string(), Ranking(predictor.probabilities(prepared(asked[i]))),
               labels.size());
  }
  report.gallery(heat.gallery(), id("heat"));
  page.details("How much to the point", html_table(score_table(weights, folder, arguments.layers, next)));

  section("filters", "First layer",
          "The kernels of conv1. Grey is 0, light adds and dark takes away; each has its own scale.");
  report.picture(filter_sheet(weights), "the kernels of the first convolution as pictures", id("filters"));
}

/// Those of --data, or else those that the runs were judged by, which must be the same.
JudgedImages images_of(const std::vector<JudgedRun>& runs, const VisualizeArguments& arguments) {
  if (!arguments.data.empty()) return all_of(open_characters(arguments.data, arguments.resize));
  const JudgedImages first = images_judged_by(runs[0].record);
  for (std::size_t r = 1; r < runs.size(); ++r) {
    const JudgedImages other = images_judged_by(runs[r].record);
    bool same = other.size() == first.size();
    for (std::size_t i = 0; same && i < first.size(); ++i) same = other.name(i) == first.name(i);
    if (!same)
      throw Error(runs[0].record.name + " and " + runs[r].record.name +
                  " were judged by different images; give --data, a folder of characters to judge both by");
  }
  return first;
}

int visualize(const VisualizeArguments& arguments) {
  if (arguments.out.empty() && arguments.runs.size() > 1) throw CLI::RequiredError("--out");
  const std::filesystem::path out = arguments.out.empty() ? arguments.runs[0] / "report" : arguments.out;
  std::vector<JudgedRun> runs;
  for (const std::filesystem::path& folder : arguments.runs) runs.push_back({read_run(folder), {}});
  for (const JudgedRun& run : runs)
    if (architecture_of(run.record.model) == solver_architecture)
      throw Error(run.record.name +
                  ": a run of train-solver, which has no report; `captcha evaluate-solver` measures it");
  const JudgedImages folder = images_of(runs, arguments);
  std::vector<Image> asked;
  for (const std::filesystem::path& file : arguments.cam)
    asked.push_back(as_character(read_png(file), file.string(), arguments.resize));
  for (const std::string& layer : arguments.layers) slots_of_layer(Weights<Network>::slots(), layer);
  Report report(out, runs.size() == 1 ? "captcha: " + runs[0].record.name
                                      : "captcha: " + std::to_string(runs.size()) + " runs");
  std::vector<Weights<Network>> weights;
  {
    Progress progress("reading", arguments.quiet);
    Workers workers(arguments.threads > 0 ? arguments.threads : all_threads());
    for (JudgedRun& run : runs) {
      weights.push_back(load_model(run.record.model));
      run.evaluation = evaluate_folder(weights.back(), folder, workers, progress);
    }
  }
  Progress progress("looking", arguments.quiet);
  const std::size_t all =
      runs.size() * (arguments.layers.size() + 1) * std::min(folder.size(), images_scored);
  auto next = [&progress, all, done = std::size_t{0}]() mutable { progress(done++, all); };
  add_overview(report, runs, folder, arguments.data);
  for (std::size_t r = 0; r < runs.size(); ++r)
    add_run(report, runs[r], weights[r], folder, asked, arguments,
            runs.size() == 1 ? "" : "-" + std::to_string(r + 1), std::ref(next));
  report.page.section(
      "samples", "Augmentation",
      "The first image of each class, and behind it five versions that training with augmentation "
      "shows of it.");
  report.gallery(sample_gallery(folder), "samples");
  report.commit();
  if (!arguments.quiet) std::printf("%s\n", (out / "report.html").c_str());
  return 0;
}

}  // namespace

void add_visualize(Commands& commands) {
  const auto a = std::make_shared<VisualizeArguments>();
  CLI::App* c = commands.add("visualize", "Write a report on runs: one HTML page, and its pictures",
                             [a](CLI::App&) { return visualize(*a); });
  c->add_option("RUN", a->runs, "Folders that `captcha train` wrote; several are compared")
      ->required()
      ->type_name("DIR");
  c->add_option("--data", a->data,
                "Folder of characters to judge by; without it, those that the training was judged by")
      ->type_name("DIR");
  c->add_option("--out", a->out,
                "Folder for report.html and its charts and pictures; without it, RUN/report for one run")
      ->type_name("DIR");
  c->add_option("--cam", a->cam,
                "Images to show where the network looks; else mistakes and one of each class")
      ->type_name("FILE")
      ->allow_extra_args(false);  // so that runs may follow
  c->add_option("--layer", a->layers, "Layers at which it is looked, such as layer2 or layer3.0.conv1")
      ->allow_extra_args(false);
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", a->resize, "Accept images of other sizes");
  c->add_flag("--quiet", a->quiet, "Print nothing but errors");
  c->footer(
      "Examples:\n"
      "  captcha visualize runs/first\n"
      "  captcha visualize runs/first --data unseen --out report\n"
      "  captcha visualize runs/first runs/second --data unseen --out comparison\n"
      "  captcha visualize runs/first --data unseen --out report --cam a.png --cam b.png --layer layer2");
}

}  // namespace captcha::app
