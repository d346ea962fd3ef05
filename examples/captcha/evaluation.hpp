// Everything that one model says about one folder: what `evaluate` prints and `visualize` draws.
#pragma once

#include <captcha/loss/cross_entropy.hpp>
#include <captcha/metric/calibration.hpp>
#include <captcha/metric/metrics.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/train/evaluate.hpp>
#include <captcha/train/log.hpp>

#include "characters.hpp"
#include "progress.hpp"
#include "ranking.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

namespace captcha::app {

/// What was read of one image.
struct Judged {
  std::size_t index;  ///< in the folder
  std::size_t truth;
  Ranking ranking;

  bool right() const { return ranking.best() == truth; }
};

struct Evaluation {
  double loss = 0;
  double images_per_second = 0;
  TopK<1> accuracy{};
  TopK<3> top3{};
  ConfusionMatrix confusion{};
  Calibration<> calibration{};
  std::vector<Judged> readings{};  ///< one an image, in the order of the folder

  /// The wrong ones, the surest first.
  std::vector<const Judged*> mistakes() const {
    return chosen([](const Judged& r) { return !r.right(); },
                  [](const Judged& a, const Judged& b) { return a.ranking.at(0) > b.ranking.at(0); });
  }
  /// The right ones, the least sure first.
  std::vector<const Judged*> doubtful() const {
    return chosen([](const Judged& r) { return r.right(); },
                  [](const Judged& a, const Judged& b) { return a.ranking.at(0) < b.ranking.at(0); });
  }

 private:
  template <class Fits, class Before>
  std::vector<const Judged*> chosen(Fits fits, Before before) const {
    std::vector<const Judged*> some;
    for (const Judged& reading : readings)
      if (fits(reading)) some.push_back(&reading);
    std::stable_sort(some.begin(), some.end(),
                     [&](const Judged* a, const Judged* b) { return before(*a, *b); });
    return some;
  }
};

/// Reads every image of the folder. Throws Interrupted; NotANumber when the model gives none.
inline Evaluation evaluate_folder(const Weights<Network>& weights, const JudgedImages& folder,
                                  Workers& workers, Progress& progress) {
  Evaluation e;
  e.readings.reserve(folder.size());
  // One more metric: it keeps what was read.
  struct Keep {
    Evaluation& e;
    Progress& progress;
    std::size_t all;
    void add(Outputs<const float> outputs, std::span<const int> targets) {
      std::vector<float> logits(labels.size());
      for (std::size_t n = 0; n < targets.size(); ++n) {
        for (std::size_t c = 0; c < logits.size(); ++c) logits[c] = outputs(c, n);
        e.readings.push_back(
            {e.readings.size(), static_cast<std::size_t>(targets[n]), Ranking(softmax(logits))});
      }
      progress(e.readings.size(), all);
    }
  };
  std::tuple metrics(Accuracy{}, TopK<3>{}, ConfusionMatrix{}, Calibration<>{},
                     Keep{e, progress, folder.size()});
  const auto start = std::chrono::steady_clock::now();
  e.loss =
      evaluate(weights, map(folder, Standardise{}), CrossEntropy{}, metrics, {.batch_size = 64}, workers);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  e.images_per_second = static_cast<double>(folder.size()) / seconds;
  e.accuracy = std::get<0>(metrics);
  e.top3 = std::get<1>(metrics);
  e.confusion = std::get<2>(metrics);
  e.calibration = std::get<3>(metrics);
  return e;
}

/// A field of a CSV table as RFC 4180 wants it.
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2u : 1u, c);
  return quoted + "\"";
}

/// Every reading as a line: file, label, prediction, probability, then the probability of each class.
inline void write_predictions(const std::filesystem::path& file, const Evaluation& evaluation,
                              const JudgedImages& folder) {
  std::string table = "file,label,prediction,probability";
  for (const char label : labels) table.append(",").append(1, label);
  table += "\r\n";
  for (const Judged& reading : evaluation.readings) {
    table += csv_field(folder.name(reading.index)) + "," + label_name(reading.truth) + "," +
             label_name(reading.ranking.best()) + "," +
             shortest_digits(reading.ranking.probability[reading.ranking.best()]);
    for (const float probability : reading.ranking.probability) table += "," + shortest_digits(probability);
    table += "\r\n";
  }
  write_text(file, table);
}

}  // namespace captcha::app
