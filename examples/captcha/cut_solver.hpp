// CutSolver: reads CAPTCHAs with a network for single characters, by finding where to cut.
//
// A letter's width is known, so its cut settles where the next one begins. A beam search (Lowerre 1976) over
// the letters and their two designs looks for the text whose cuts the network is surest of, and whose letters
// have the ink of the image in each column. It knows nothing of the solution.
#pragma once

#include <captcha/data/batch.hpp>
#include <captcha/kernels/workers.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/predictor.hpp>

#include "characters.hpp"
#include "glyph_cut.hpp"
#include "grey_image.hpp"
#include "prepare_cut.hpp"
#include "solver.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace captcha::app {

/// One at a time: it is for several threads only if each has its own.
class CutSolver {
 public:
  /// Throws Error if the font is missing, which tells where a letter has its ink.
  explicit CutSolver(const Weights<Network>& weights, int threads = 1)
      : weights_(weights), workers_(threads), inputs_(most_cuts * character.size()), pixels_(inputs_.size()) {
    for (std::size_t number = 0; number < labels.size(); ++number)
      for (std::size_t design = 0; design < 2; ++design) {
        const Glyph& glyph = installed_glyphs()(number, design, Glyphs::weights / 2);
        for (int column = 0; column < Glyph::width; ++column)
          for (int row = Glyph::baseline - letter_rows; row < Glyph::baseline; ++row)
            ink_[number][design][static_cast<std::size_t>(column)] += glyph.at(row, column) / 255.0;
      }
  }

  /// Reads pictures of 200 x 50 pixels; Error as of Solver.
  std::vector<Reading> operator()(std::span<const Image> captchas) {
    std::vector<Reading> readings;
    for (const Image& captcha : captchas)
      readings.push_back(read(as_captcha(captcha, "CAPTCHA " + std::to_string(readings.size() + 1), false)));
    return readings;
  }

 private:
  static constexpr std::size_t beam = 3;  ///< places of the pen that are followed at once
  static constexpr double ink_unit = 20;  ///< pixels of ink in the wrong place that count like a factor of e
  static constexpr std::size_t most_cuts = 64;

  /// A beginning of the text: how good it is, where the next letter's pen stands, what it says.
  struct Start {
    double score = 0;
    int pen = text_start;
    std::vector<std::size_t> text{};
    std::vector<std::array<float, labels.size()>> shares{};
  };

  Reading read(const Image& grey) {
    const std::vector<double> profile = ink_profile(grey);
    std::vector<Start> starts(1);
    for (std::size_t position = 0; position < solution_length; ++position) {
      std::map<int, Start> next;  // the best beginning that ends at each pen
      for (const Start& start : starts) follow(grey, profile, start, next);
      starts.clear();
      for (auto& [pen, start] : next) starts.push_back(std::move(start));
      std::sort(starts.begin(), starts.end(),
                [](const Start& a, const Start& b) { return a.score > b.score; });
      if (starts.size() > beam) starts.resize(beam);
    }
    for (Start& start : starts)  // what is left must be paper
      for (std::size_t column = static_cast<std::size_t>(start.pen) + 3; column < profile.size(); ++column)
        start.score -= profile[column] / ink_unit;
    const Start& best = *std::max_element(starts.begin(), starts.end(),
                                          [](const Start& a, const Start& b) { return a.score < b.score; });
    Reading reading;
    reading.confidence = 1;
    for (std::size_t position = 0; position < solution_length; ++position) {
      const std::size_t number = best.text[position];
      reading.text += labels[number];
      reading.probabilities[position] = best.shares[position];
      reading.confidence *= static_cast<double>(best.shares[position][number]);
    }
    return reading;
  }

  /// Puts every letter in both designs behind a beginning.
  void follow(const Image& grey, const std::vector<double>& profile, const Start& start,
              std::map<int, Start>& next) {
    using Box = std::tuple<int, int, int>;  // left, top, right: many letters share one
    std::map<Box, std::size_t> numbers;
    std::vector<CutBox> boxes;
    std::array<std::array<std::size_t, 2>, labels.size()> box_of{};
    for (std::size_t number = 0; number < labels.size(); ++number)
      for (std::size_t design = 0; design < 2; ++design) {
        const GlyphBox& glyph = letter_table[number].designs[design];
        const CutBox box = cut_box(labels[number], ink_span(glyph, start.pen));
        const auto [found, added] = numbers.try_emplace({box.left, box.top, box.right}, boxes.size());
        if (added) boxes.push_back(box);
        box_of[number][design] = found->second;
      }
    const std::vector<std::array<float, labels.size()>> shares = classify(grey, boxes);
    for (std::size_t number = 0; number < labels.size(); ++number)
      for (std::size_t design = 0; design < 2; ++design) {
        const auto& own = shares[box_of[number][design]];
        const int advance = letter_table[number].designs[design].advance();
        if (start.pen + Glyph::width > captcha_width) continue;
        double score = start.score + std::log(static_cast<double>(own[number]) + 1e-9);
        for (int column = 0; column < advance; ++column)
          score -= std::abs(profile[static_cast<std::size_t>(start.pen + column + 2)] -
                            ink_[number][design][static_cast<std::size_t>(column + 2)]) /
                   ink_unit;
        Start& best = next.try_emplace(start.pen + advance).first->second;
        if (!best.text.empty() && best.score >= score) continue;
        best = start;
        best.score = score;
        best.pen = start.pen + advance;
        best.text.push_back(number);
        best.shares.push_back(own);
      }
  }

  /// What the network makes of each cut.
  std::vector<std::array<float, labels.size()>> classify(const Image& grey,
                                                         const std::vector<CutBox>& boxes) {
    for (std::size_t i = 0; i < boxes.size(); ++i)
      prepare(cut_out(grey, boxes[i]).pixels, character,
              std::span(pixels_).subspan(i * character.size(), character.size()));
    interleave<float>(pixels_, character, boxes.size(), inputs_.data(), 0, boxes.size());
    const Outputs<const float> outputs{
        inference_(weights_, inputs_.data(), static_cast<int>(boxes.size()), workers_), boxes.size()};
    std::vector<std::array<float, labels.size()>> all(boxes.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      std::array<float, labels.size()> logits;
      for (std::size_t c = 0; c < labels.size(); ++c) logits[c] = outputs(c, i);
      const std::vector<float> shares = softmax(logits);
      std::copy(shares.begin(), shares.end(), all[i].begin());
    }
    return all;
  }

  PackedWeights<Network, character> weights_;
  Workers workers_;
  Inference<Network, character> inference_{static_cast<int>(most_cuts)};
  AlignedVector<float> inputs_, pixels_;
  std::array<std::array<std::array<double, Glyph::width>, 2>, labels.size()> ink_{};
};

}  // namespace captcha::app
