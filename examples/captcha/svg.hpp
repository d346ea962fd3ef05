// The little of SVG and HTML that the report's charts and pages are made of. Debian has no charting library
// for C++ that writes SVG without a toolkit or a Python behind it, and these charts are few and plain.
#pragma once

#include <captcha/io/json.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace captcha::app {

/// Text for between the tags and for within the quotes of HTML and SVG. Names come from outside: what has a
/// meaning there is written as an entity, and what may not stand there at all (control characters, bytes that
/// are no UTF-8) becomes U+FFFD.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    while (length < 4 && at + length < text.size() && !is_utf8(text.substr(at, length))) ++length;
    const std::string_view one = text.substr(at, length);
    if (!is_utf8(one)) {
      safe += "\uFFFD";
      ++at;
      continue;
    }
    at += length;
    if (one == "&")
      safe += "&amp;";
    else if (one == "<")
      safe += "&lt;";
    else if (one == ">")
      safe += "&gt;";
    else if (one == "\"")
      safe += "&quot;";
    else if (one == "'")
      safe += "&#39;";
    else if (static_cast<unsigned char>(one[0]) < 0x20 || one == "\x7F" || one == "\uFFFE" || one == "\uFFFF")
      safe += "\uFFFD";
    else
      safe += one;
  }
  return safe;
}

/// RFC 4648, section 4.
inline std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (at + i < bytes.size() ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      text += at + i <= bytes.size() ? digits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

/// A coordinate: two decimals at most.
inline std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string short_text = text;
  short_text.erase(short_text.find_last_not_of('0') + 1);
  if (short_text.ends_with('.')) short_text.pop_back();
  return short_text == "-0" ? "0" : short_text;
}

/// What all charts look like, in a page and alone. The colours of the series are those of Okabe and Ito
/// (2008), which people with any kind of colour blindness can tell apart, some lighter on dark paper.
inline constexpr std::string_view chart_style = R"(
svg{--paper:#fff;--ink:#1b1f24;--soft:#59636e;--line:#d5dae0;--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b3478a;--s4:#8a6d00;--s5:#56616d}
@media(prefers-color-scheme:dark){svg{--paper:#14171b;--ink:#e6e9ed;--soft:#a3adb8;--line:#363d45;--s0:#56b4e9;--s1:#ff8c4a;--s2:#2fc79a;--s3:#e59bc4;--s4:#f0d04a;--s5:#b4bec9}}
svg text{fill:var(--ink);font:11px system-ui,sans-serif}svg .title{font-size:13px;font-weight:600}svg .soft{fill:var(--soft)}
svg .small{font-size:9px}svg .end{text-anchor:end}svg .mid{text-anchor:middle}
svg .paper{fill:var(--paper)}svg .grid{stroke:var(--line);fill:none}svg .curve{fill:none;stroke-width:2;stroke-linejoin:round}svg .dash{stroke-dasharray:5 4}
)";

/// The colour of a series: 0, 1, …, again from the start after the last.
inline std::string series_colour(std::size_t series) {
  return "var(--s" + std::to_string(series % 6) + ")";
}

/// An SVG picture under construction, as it stands in a page. `id` is unique there; title and description
/// are what a screen reader says.
class Svg {
 public:
  Svg(const std::string& id, double width, double height, const std::string& title,
      const std::string& description)
      : text_("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + coordinate(width) + " " +
              coordinate(height) + "\" role=\"img\" aria-labelledby=\"" + id + "-t " + id +
              "-d\"><title id=\"" + id + "-t\">" + escaped(title) + "</title><desc id=\"" + id + "-d\">" +
              escaped(description) + "</desc>") {
    rectangle(0, 0, width, height, "class=\"paper\"");
  }

  /// `attributes` is SVG as it stands; texts are escaped here.
  void rectangle(double x, double y, double width, double height, const std::string& attributes,
                 const std::string& hint = "") {
    text_ += "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" + coordinate(width) +
             "\" height=\"" + coordinate(height) + "\" " + attributes + ending("rect", hint);
  }
  void line(double x1, double y1, double x2, double y2, const std::string& attributes) {
    text_ += "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) +
             "\" y2=\"" + coordinate(y2) + "\" " + attributes + "/>";
  }
  void path(const std::string& commands, const std::string& attributes, const std::string& hint = "") {
    text_ += "<path d=\"" + commands + "\" " + attributes + ending("path", hint);
  }
  void text(double x, double y, const std::string& classes, const std::string& content,
            const std::string& attributes = "") {
    text_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" + classes + "\" " +
             attributes + ">" + escaped(content) + "</text>";
  }

  /// For a page that has chart_style.
  std::string inlined() const { return text_ + "</svg>\n"; }
  /// For a file of its own.
  std::string file() const {
    std::string whole = inlined();
    return whole.insert(whole.find("<title"), "<style>" + std::string(chart_style) + "</style>");
  }

 private:
  static std::string ending(const std::string& tag, const std::string& hint) {
    return hint.empty() ? "/>" : "><title>" + escaped(hint) + "</title></" + tag + ">";
  }

  std::string text_;
};

}  // namespace captcha::app
