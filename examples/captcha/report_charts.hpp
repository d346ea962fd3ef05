// The charts and tables of a report: how runs went, and how their models compare.
#pragma once

#include "chart.hpp"
#include "evaluation.hpp"
#include "figures.hpp"
#include "run_record.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace captcha::app {

/// A run and what its model says about the folder.
struct JudgedRun {
  RunRecord record;
  Evaluation evaluation;
};

/// One quantity over the epochs of all runs: in validation, and dashed in training where there is such.
inline Svg learning_curve(const ChartName& name, const std::string& unit, const std::vector<JudgedRun>& runs,
                          const std::string& solid, const std::string& dashed, double factor,
                          bool to_hundred) {
  std::vector<ChartLine> lines;
  double low = to_hundred ? 100 : 0, high = to_hundred ? 100 : 0, epochs = 1;
  for (std::size_t r = 0; r < runs.size(); ++r)
    for (const bool in_training : {false, true}) {
      if (in_training && dashed.empty()) continue;
      const std::string part = in_training ? "training" : "validation";
      ChartLine line{.name = runs.size() == 1 ? (dashed.empty() ? "" : part)
                                              : shortened(runs[r].record.name, in_training ? 20 : 30) +
                                                    (in_training ? ", training" : ""),
                     .series = r,
                     .dashed = in_training};
      for (const EpochRecord& epoch : runs[r].record.history) {
        const double value = factor * epoch[in_training ? dashed : solid];
        if (!std::isfinite(value)) continue;
        line.points.push_back({static_cast<double>(epoch.epoch), value, 2.5,
                               "epoch " + std::to_string(epoch.epoch) + ": " + shortest_digits(value)});
        low = std::min(low, value);
        high = std::max(high, value);
        epochs = std::max(epochs, static_cast<double>(epoch.epoch));
      }
      if (!line.points.empty()) lines.push_back(std::move(line));
    }
  return line_chart(name, axis_around("epoch", epochs > 1 ? 1 : 0, epochs, 1), axis_around(unit, low, high),
                    lines);
}

inline std::vector<Svg> learning_curves(const std::vector<JudgedRun>& runs) {
  const std::string of = runs.size() == 1 ? "" : " of all runs";
  return {
      learning_curve({"loss", "Loss", "Mean loss by epoch in training and validation" + of}, "loss", runs,
                     "val_loss", "train_loss", 1, false),
      learning_curve({"accuracy", "Accuracy", "Share read right by epoch in training and validation" + of},
                     "right, %", runs, "val_accuracy", "train_accuracy", 100, true),
      learning_curve({"learning-rate", "Learning rate", "Learning rate at the end of each epoch" + of},
                     "learning rate", runs, "learning_rate", "", 1, false),
      learning_curve({"speed", "Speed of training", "Images a second in each epoch" + of}, "images/s", runs,
                     "images_per_second", "", 1, false)};
}

/// How often the models are right, over how sure they are: bin by bin, larger marks for more images.
inline Svg calibration_chart(const std::vector<JudgedRun>& runs) {
  std::vector<ChartLine> lines{{.name = "as sure as right",
                                .series = 5,
                                .dashed = true,
                                .marked = false,
                                .points = {{0, 0}, {100, 100}}}};
  std::string says = "Share read right over mean confidence.";
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const auto& calibration = runs[r].evaluation.calibration;
    const std::string error = "error " + percent(calibration.value());
    ChartLine line{.name = runs.size() == 1 ? error : shortened(runs[r].record.name, 20) + ", " + error,
                   .series = r};
    says += " " + line.name + ".";
    for (const CalibrationBin& bin : calibration.bins()) {
      if (bin.samples < 5) continue;  // chance
      const double share = bin.samples / static_cast<double>(runs[r].evaluation.readings.size());
      line.points.push_back({100 * bin.mean_confidence(), 100 * bin.accuracy(), 2.5 + 5 * std::sqrt(share),
                             decimals(bin.samples, 0) + " images: sure " + percent(bin.mean_confidence(), 1) +
                                 ", right " + percent(bin.accuracy(), 1)});
    }
    lines.push_back(std::move(line));
  }
  return line_chart({"calibration", "Calibration", says}, {"how sure, %", 0, 100, 20},
                    {"right, %", 0, 100, 20}, lines);
}

/// Of one run precision, recall and F1 by class; of several their F1.
inline Svg class_chart(const std::vector<JudgedRun>& runs) {
  std::vector<BarSeries> series;
  const auto of_classes = [&](const std::string& name, auto&& value) {
    BarSeries bars{name, {}};
    for (std::size_t c = 0; c < labels.size(); ++c) bars.values.push_back(value(c));
    series.push_back(std::move(bars));
  };
  if (runs.size() == 1) {
    const ConfusionMatrix& confusion = runs[0].evaluation.confusion;
    of_classes("precision", [&](std::size_t c) { return confusion.precision(c); });
    of_classes("recall", [&](std::size_t c) { return confusion.recall(c); });
    of_classes("F1", [&](std::size_t c) { return confusion.f1(c); });
  } else {
    for (const JudgedRun& run : runs)
      of_classes(run.record.name, [&](std::size_t c) { return run.evaluation.confusion.f1(c); });
  }
  return bar_chart({"classes", runs.size() == 1 ? "Precision, recall and F1 by class" : "F1 by class",
                    "Bars from 0 to 100 percent for each of the classes; the table below has the numbers"},
                   class_names(), series);
}

inline std::vector<std::vector<std::string>> class_table(const ConfusionMatrix& confusion) {
  std::vector<std::vector<std::string>> rows{{"class", "images", "precision", "recall", "F1"}};
  for (std::size_t c = 0; c < labels.size(); ++c)
    rows.push_back({label_name(c), std::to_string(confusion.samples(c)), percent(confusion.precision(c), 1),
                    percent(confusion.recall(c), 1), percent(confusion.f1(c), 1)});
  return rows;
}

inline std::vector<std::vector<std::string>> result_table(const std::vector<JudgedRun>& runs) {
  std::vector<std::vector<std::string>> rows{{"run", "right", "top-3", "by class", "loss",
                                              "calibration error", "Brier", "epochs", "images/s", "model"}};
  for (const auto& [record, e] : runs)
    rows.push_back({record.name, percent(e.accuracy.value()), percent(e.top3.value()),
                    percent(e.confusion.value()), decimals(e.loss, 4), percent(e.calibration.value()),
                    decimals(e.calibration.brier(), 4), std::to_string(record.history.size()),
                    decimals(e.images_per_second, 0), record.model.filename().string()});
  return rows;
}

/// Every number of metrics.jsonl.
inline std::vector<std::vector<std::string>> epoch_table(const RunRecord& run) {
  std::vector<std::vector<std::string>> rows{{"epoch"}};
  if (!run.history.empty())
    for (const auto& [name, value] : run.history.front().values) rows[0].push_back(name);
  for (const EpochRecord& epoch : run.history) {
    std::vector<std::string> row{std::to_string(epoch.epoch)};
    for (std::size_t i = 1; i < rows[0].size(); ++i) {
      char text[32];
      std::snprintf(text, sizeof text, "%.5g", epoch[rows[0][i]]);
      row.push_back(text);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The settings of the runs; of several only those that are not the same in all.
inline std::vector<std::vector<std::string>> settings_table(const std::vector<JudgedRun>& runs) {
  std::vector<std::vector<std::string>> rows{{"setting"}};
  std::set<std::string> names;
  for (const JudgedRun& run : runs) {
    rows[0].push_back(runs.size() == 1 ? "value" : run.record.name);
    for (const auto& [name, value] : run.record.settings) names.insert(name);
  }
  for (const std::string& name : names) {
    std::vector<std::string> row{name};
    std::set<std::string> values;
    for (const JudgedRun& run : runs) {
      const auto found = run.record.settings.find(name);
      row.push_back(found == run.record.settings.end() ? "-" : found->second);
      values.insert(row.back());
    }
    if (runs.size() == 1 || values.size() > 1) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace captcha::app
