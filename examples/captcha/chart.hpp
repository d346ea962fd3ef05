// Charts as SVG: lines over two axes, and bars by class.
#pragma once

#include "figures.hpp"
#include "svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

namespace captcha::app {

/// What names a chart: `id` for its file and within a page, the rest for people.
struct ChartName {
  std::string id;
  std::string title;
  std::string description;
};

/// One axis, marked at multiples of `step` from `low` to `high`.
struct ChartAxis {
  std::string name;
  double low = 0;
  double high = 1;
  double step = 0.2;

  double share(double value) const { return (value - low) / (high - low); }
  std::size_t marks() const { return static_cast<std::size_t>(std::lround((high - low) / step)); }
  std::string mark(std::size_t number) const {
    const double value = low + static_cast<double>(number) * step;
    if (std::abs(value) < step / 1e6) return "0";
    char text[32];
    if (step < 1e-4 || step >= 1e5)
      std::snprintf(text, sizeof text, "%.2g", value);
    else
      std::snprintf(text, sizeof text, "%.*f", std::max(0, -static_cast<int>(std::floor(std::log10(step)))),
                    value);
    return text;
  }
};

/// An axis of about `marks` steps of 1, 2 or 5 times a power of ten, not shorter than `least`, around values.
inline ChartAxis axis_around(const std::string& name, double low, double high, double least = 0,
                             double marks = 5) {
  if (!(high > low)) high = low + (least > 0 ? least : std::max(std::abs(low), 1e-9));
  const double rough = (high - low) / marks, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double candidate : {5 * power, 2 * power, power})
    if (candidate >= rough * (1 - 1e-9)) step = candidate;
  step = std::max(step, least);
  return {name, step * std::floor(low / step + 1e-9), step * std::ceil(high / step - 1e-9), step};
}

struct ChartPoint {
  double x;
  double y;
  double radius = 2.5;
  std::string hint{};
};

/// A row of points joined by a line. `series` chooses colour and mark. One without a name is not in the
/// legend.
struct ChartLine {
  std::string name;
  std::size_t series = 0;
  bool dashed = false;
  bool marked = true;
  std::vector<ChartPoint> points{};
};

/// A name that may be long, from its end: paths differ there.
inline std::string shortened(const std::string& name, std::size_t most = 30) {
  if (name.size() <= most) return name;
  std::size_t start = name.size() - most;
  while (start < name.size() && (static_cast<unsigned char>(name[start]) & 0xC0) == 0x80) ++start;
  return "\u2026" + name.substr(start);
}

/// What a name takes in a legend, with its mark in front: about, as the font is the reader's.
inline double legend_width(const std::string& name) {
  return 30 + 7.0 * static_cast<double>(shortened(name).size());
}

/// A circle, square, diamond or triangle, by the number of the series.
inline std::string mark_path(std::size_t series, double x, double y, double r) {
  const auto corners = [&](std::initializer_list<std::array<double, 2>> list) {
    std::string path;
    for (const auto& [dx, dy] : list)
      path += (path.empty() ? "M" : "L") + coordinate(x + r * dx) + " " + coordinate(y + r * dy);
    return path + "Z";
  };
  switch (series % 4) {
    case 1:
      return corners({{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}});
    case 2:
      return corners({{0, -1.3}, {1.3, 0}, {0, 1.3}, {-1.3, 0}});
    case 3:
      return corners({{0, -1.2}, {1.1, 0.8}, {-1.1, 0.8}});
    default: {
      const std::string radius = coordinate(r) + " " + coordinate(r);
      return "M" + coordinate(x - r) + " " + coordinate(y) + "a" + radius + " 0 1 0 " + coordinate(2 * r) +
             " 0a" + radius + " 0 1 0 " + coordinate(-2 * r) + " 0Z";
    }
  }
}

inline Svg line_chart(const ChartName& name, const ChartAxis& across, const ChartAxis& up,
                      const std::vector<ChartLine>& lines) {
  constexpr double width = 340, left = 66, right = 12, top = 34, plot_height = 160, legend_row = 17;
  constexpr double plot_width = width - left - right, bottom = top + plot_height;
  // The legend first: it decides the height.
  struct Entry {
    double x, y;
  };
  std::vector<Entry> legend;
  double x = left, y = bottom + 50;
  for (const ChartLine& line : lines) {
    const double wide = line.name.empty() ? 0 : legend_width(line.name);
    if (x > left && x + wide > width) {
      x = left;
      y += legend_row;
    }
    legend.push_back({x, y});
    x += wide;
  }
  Svg svg(name.id, width, (x > left ? y + 12 : bottom + 38), name.title, name.description);
  svg.text(left, 18, "title", name.title);
  for (std::size_t i = 0; i <= across.marks(); ++i) {
    const double at = left + plot_width * static_cast<double>(i) / static_cast<double>(across.marks());
    svg.line(at, top, at, bottom, "class=\"grid\"");
    svg.text(at, bottom + 14, "soft mid", across.mark(i));
  }
  for (std::size_t i = 0; i <= up.marks(); ++i) {
    const double at = bottom - plot_height * static_cast<double>(i) / static_cast<double>(up.marks());
    svg.line(left, at, left + plot_width, at, "class=\"grid\"");
    svg.text(left - 6, at + 4, "soft end", up.mark(i));
  }
  svg.text(left + plot_width / 2, bottom + 30, "soft mid", across.name);
  svg.text(11, top + plot_height / 2, "soft mid", up.name,
           "transform=\"rotate(-90 11 " + coordinate(top + plot_height / 2) + ")\"");
  const auto place_x = [&](const ChartPoint& point) { return left + plot_width * across.share(point.x); };
  const auto place_y = [&](const ChartPoint& point) { return bottom - plot_height * up.share(point.y); };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const ChartLine& line = lines[i];
    const std::string colour = series_colour(line.series);
    const std::string stroke =
        std::string("class=\"curve") + (line.dashed ? " dash" : "") + "\" stroke=\"" + colour + "\"";
    std::string path;
    for (const ChartPoint& point : line.points)
      if (std::isfinite(point.y))
        path += (path.empty() ? "M" : "L") + coordinate(place_x(point)) + " " + coordinate(place_y(point));
    if (!path.empty()) svg.path(path, stroke);
    // Marks say which series it is without colour; on a long line they would only crowd.
    if (line.marked && line.points.size() <= 60)
      for (const ChartPoint& point : line.points)
        if (std::isfinite(point.y))
          svg.path(mark_path(line.series, place_x(point), place_y(point), point.radius),
                   "fill=\"" + colour + "\"", point.hint);
    if (line.name.empty()) continue;
    svg.line(legend[i].x, legend[i].y - 4, legend[i].x + 20, legend[i].y - 4, stroke);
    if (line.marked)
      svg.path(mark_path(line.series, legend[i].x + 10, legend[i].y - 4, 2.5), "fill=\"" + colour + "\"");
    svg.text(legend[i].x + 25, legend[i].y, "", shortened(line.name));
  }
  return svg;
}

/// Bars from 0 to 1: for each class one a series.
struct BarSeries {
  std::string name;
  std::vector<double> values;  ///< by class; not-a-number where there is none
};

inline Svg bar_chart(const ChartName& name, const std::vector<std::string>& classes,
                     const std::vector<BarSeries>& series) {
  constexpr double width = 340, left = 30, right = 48, top = 52, thick = 9, gap = 8;
  constexpr double plot_width = width - left - right;
  const double group = thick * static_cast<double>(series.size()) + gap;
  const double bottom = top + group * static_cast<double>(classes.size());
  // Long names of series go below one another.
  double x = left, legend_y = 36;
  double wide = 0;
  for (const auto& each : series) wide = std::max(wide, legend_width(each.name));
  const bool below = wide * static_cast<double>(series.size()) > width - left;
  const double more = below ? 16 * static_cast<double>(series.size() - 1) : 0;
  Svg svg(name.id, width, bottom + more + 24, name.title, name.description);
  svg.text(left, 18, "title", name.title);
  for (std::size_t s = 0; s < series.size(); ++s) {
    svg.rectangle(x, legend_y - 9, 10, 10, "fill=\"" + series_colour(s) + "\"");
    svg.text(x + 15, legend_y, "", shortened(series[s].name));
    if (below)
      legend_y += 16;
    else
      x += wide;
  }
  for (int mark = 0; mark <= 4; ++mark) {
    const double at = left + plot_width * mark / 4;
    svg.line(at, top + more, at, bottom + more, "class=\"grid\"");
    svg.text(at, bottom + more + 14, "soft mid", std::to_string(25 * mark) + " %");
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const double start = top + more + group * static_cast<double>(c) + gap / 2;
    svg.text(left - 8, start + (group - gap) / 2 + 4, "end", classes[c]);
    for (std::size_t s = 0; s < series.size(); ++s) {
      const double value = series[s].values[c], row = start + thick * static_cast<double>(s);
      const std::string shown = percent(value, 1);
      if (std::isfinite(value))
        svg.rectangle(left, row + 0.5, plot_width * value, thick - 1, "fill=\"" + series_colour(s) + "\"",
                      classes[c] + ": " + series[s].name + " " + shown);
      svg.text(left + plot_width + 5, row + thick - 1.5, "small", shown);
    }
  }
  return svg;
}

}  // namespace captcha::app
