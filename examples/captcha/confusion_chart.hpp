// A confusion matrix as SVG.
#pragma once

#include <captcha/metric/metrics.hpp>

#include "chart.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace captcha::app {

/// Labels down, readings across. Each cell shows its count, or if `normalised` its share of the row in
/// percent; the right ones are blue and the mistakes orange, the stronger the larger their share of the row.
inline Svg confusion_chart(const ChartName& name, const ConfusionMatrix& confusion,
                           const std::vector<std::string>& classes, bool normalised) {
  constexpr double cell = 23, left = 40, top = 62;
  const double side = cell * static_cast<double>(classes.size());
  Svg svg(name.id, left + side + 8, top + side + 8, name.title, name.description);
  svg.text(left, 18, "title", name.title);
  svg.text(left + side / 2, 38, "soft mid", "read as");
  svg.text(12, top + side / 2, "soft mid", "label",
           "transform=\"rotate(-90 12 " + coordinate(top + side / 2) + ")\"");
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const double at = cell * (static_cast<double>(c) + 0.5);
    svg.text(left + at, top - 7, "mid", classes[c]);
    svg.text(left - 9, top + at + 4, "mid", classes[c]);
  }
  for (std::size_t i = 0; i <= classes.size(); ++i) {
    const double at = cell * static_cast<double>(i);
    svg.line(left + at, top, left + at, top + side, "class=\"grid\"");
    svg.line(left, top + at, left + side, top + at, "class=\"grid\"");
  }
  for (std::size_t truth = 0; truth < classes.size(); ++truth)
    for (std::size_t read = 0; read < classes.size(); ++read) {
      const std::uint64_t count = confusion.count(truth, read);
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(confusion.samples(truth));
      const double x = left + cell * static_cast<double>(read), y = top + cell * static_cast<double>(truth);
      const std::string shown = !normalised     ? std::to_string(count)
                                : share < 0.005 ? "<1"
                                                : std::to_string(std::lround(100 * share));
      // Light enough for the ink on it: at most half of the colour.
      const double strength = truth == read ? 0.5 * share : 0.2 + 0.35 * std::sqrt(share);
      svg.rectangle(x + 0.5, y + 0.5, cell - 1, cell - 1,
                    "fill=\"" + series_colour(truth == read ? 0 : 1) + "\" fill-opacity=\"" +
                        coordinate(strength) + "\"",
                    classes[truth] + " read as " + classes[read] + ": " + std::to_string(count) + " of " +
                        std::to_string(confusion.samples(truth)) + ", " + percent(share, 1));
      svg.text(x + cell / 2, y + cell / 2 + 3.5, "mid", shown,
               shown.size() > 3 ? "style=\"font-size:7.5px\" pointer-events=\"none\""
                                : "style=\"font-size:10px\" pointer-events=\"none\"");
    }
  return svg;
}

}  // namespace captcha::app
