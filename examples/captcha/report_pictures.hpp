// The pictures of a report: what was read wrongly or hardly, where the network looked, what it looks with,
// and what it was shown.
#pragma once

#include <captcha/model/grad_cam.hpp>

#include "augmented.hpp"
#include "character_image.hpp"
#include "evaluation.hpp"
#include "figures.hpp"
#include "heat.hpp"
#include "input_sheet.hpp"
#include "picture_sheet.hpp"
#include "progress.hpp"
#include "report_page.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace captcha::app {

/// An image of the folder as the network gets it, before it is standardised.
inline Image folder_image(const JudgedImages& folder, std::size_t index) {
  return as_character(read_png(folder.name(index)), folder.name(index), true);
}

inline std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

/// The three most probable classes with bars; `truth` is marked, if there is one.
inline std::string html_ranking(const Ranking& ranking, std::size_t truth = labels.size()) {
  std::string html = "<span class=\"read\">";
  for (std::size_t place = 0; place < 3; ++place) {
    const std::string label = label_name(ranking.order[place]);
    const std::string shown = ranking.order[place] == truth ? "<b>" + label + "</b>" : label;
    html += "<span>" + shown + "</span><i style=\"--v:" + coordinate(100 * ranking.at(place)) +
            "%\"></i><span>" + percent(ranking.at(place), 1) + "</span>";
  }
  return html + "</span>";
}

/// Readings with their pictures, for the page; and the pictures in the same order on a sheet.
struct Gallery {
  std::string html;
  Image sheet;
};

inline Gallery reading_gallery(const std::vector<const Judged*>& readings, std::size_t most,
                               const JudgedImages& folder) {
  const std::size_t count = std::min(readings.size(), most);
  constexpr int columns = 8;
  Sheet sheet(std::max(1, static_cast<int>((count + columns - 1) / columns)), columns, 2 * character.height,
              2 * character.width);
  std::string html = "<div class=\"gallery\">\n";
  for (std::size_t i = 0; i < count; ++i) {
    const Judged& r = *readings[i];
    const Image image = stretched(folder_image(folder, r.index));
    sheet.add(zoomed(image, 2));
    const std::string label = label_name(r.truth);
    html += "<figure>" + html_picture(image, "image labelled " + label, 2) + "<figcaption>label <b>" + label +
            "</b>" +
            (r.right() ? "" : ", <span class=\"wrong\">read as " + label_name(r.ranking.best()) + "</span>") +
            html_ranking(r.ranking, r.truth) + "<small>" + escaped(file_name(folder.name(r.index))) +
            "</small></figcaption></figure>\n";
  }
  return {html + "</div>\n", sheet.image()};
}

/// What Grad-CAM shows of some images. Each gets a row: the image, what speaks for the class that was read,
/// and where the label is another one, what speaks for that.
class HeatGallery {
 public:
  HeatGallery(const Weights<Network>& weights, std::vector<std::string> layers)
      : weights_(weights), layers_(std::move(layers)) {}

  /// `truth` is the label, or labels.size() where there is none. Throws Interrupted.
  void add(const Image& image, const std::string& file, const Ranking& ranking, std::size_t truth) {
    Interruptible::stop_if_asked();
    const std::vector<float> pixels = prepared(image);
    Row row{coloured(stretched(image)), {}};
    html_ += "<figure><div class=\"pair\">" + html_picture(stretched(image), "image " + file, 2);
    std::vector<std::size_t> classes{ranking.best()};
    if (truth < labels.size() && truth != ranking.best()) classes.push_back(truth);
    for (const std::size_t label : classes)
      for (const std::string& layer : layers_) {
        const Image heat = heat_overlay(image, cam_(weights_, std::span<const float>(pixels), label, layer));
        html_ += html_picture(heat, "what speaks for " + label_name(label) + " at " + layer, 2);
        row.heat.push_back(heat);
      }
    html_ += "</div><figcaption>";
    if (truth < labels.size()) html_ += "label <b>" + label_name(truth) + "</b>";
    if (truth == labels.size())
      html_ += "read as " + label_name(ranking.best());
    else if (truth != ranking.best())
      html_ += ", <span class=\"wrong\">read as " + label_name(ranking.best()) + "</span>; what speaks for " +
               label_name(classes[0]) + ", and for " + label_name(classes[1]);
    html_ += html_ranking(ranking, truth) + "<small>" + escaped(file) + "</small></figcaption></figure>\n";
    rows_.push_back(std::move(row));
  }

  Gallery gallery() const {
    std::size_t most = 1;
    for (const Row& row : rows_) most = std::max(most, row.heat.size());
    Sheet sheet(std::max(1, static_cast<int>(rows_.size())), static_cast<int>(most) + 1, 2 * character.height,
                2 * character.width, 3);
    for (const Row& row : rows_) {
      sheet.add(zoomed(row.image, 2));
      for (const Image& heat : row.heat) sheet.add(zoomed(heat, 2));
      for (std::size_t i = row.heat.size(); i < most; ++i) sheet.skip();
    }
    return {"<div class=\"gallery heat\">\n" + html_ + "</div>\n", sheet.image()};
  }

 private:
  struct Row {
    Image image;
    std::vector<Image> heat;
  };

  const Weights<Network>& weights_;
  std::vector<std::string> layers_;
  GradCam<Network, character> cam_{};
  std::string html_{};
  std::vector<Row> rows_{};
};

/// The kernels of the first convolution, eight to a row. A weight of 0 is grey; each kernel has its own
/// scale.
inline Image filter_sheet(const Weights<Network>& weights) {
  const PlacedSlot& slot = weights.slot("conv1.weight");
  const std::vector<float> values = weights.get(slot);
  const int count = slot.slot.extents[0], height = slot.slot.extents[2], width = slot.slot.extents[3];
  constexpr int columns = 8, zoom = 5;
  Sheet sheet((count + columns - 1) / columns, columns, zoom * height, zoom * width);
  const auto size = static_cast<std::size_t>(height * width);
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
    const auto kernel = std::span(values).subspan(k * size, size);
    float most = 1e-12f;
    for (const float value : kernel) most = std::max(most, std::abs(value));
    Image picture{height, width, 1, {}};
    for (const float value : kernel)
      picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(127.5f + 127.4f * value / most)));
    sheet.add(zoomed(picture, zoom));
  }
  return sheet.image();
}

/// For each class its first image, and what augmentation makes of it in five epochs.
inline Gallery sample_gallery(const JudgedImages& folder) {
  constexpr std::size_t versions = 5;
  const auto altered = augmented(folder);
  Sheet all(static_cast<int>(labels.size()), versions + 1, character.height, character.width);
  std::string html =
      "<div class=\"gallery\" style=\"grid-template-columns:repeat(auto-fill,minmax(min(100%,230px),"
      "1fr))\">\n";
  for (std::size_t label = 0; label < labels.size(); ++label) {
    std::size_t index = 0;
    while (index < folder.size() && folder.target(index) != static_cast<int>(label)) ++index;
    if (index == folder.size()) continue;
    Sheet strip(1, versions + 1, character.height, character.width);
    std::vector<Image> pictures{stretched(folder_image(folder, index))};
    for (std::size_t epoch = 0; epoch < versions; ++epoch)
      pictures.push_back(shown_picture(altered, index, 1, epoch));
    for (const Image& picture : pictures) {
      strip.add(picture);
      all.add(picture);
    }
    html +=
        "<figure>" +
        html_picture(strip.image(), "an image of " + label_name(label) + " and five altered versions", 1) +
        "<figcaption><b>" + label_name(label) + "</b></figcaption></figure>\n";
  }
  return {html + "</div>\n", all.image()};
}

}  // namespace captcha::app
