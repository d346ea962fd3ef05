// The page that `visualize` writes: one HTML file that needs no other, no network and no script.
#pragma once

#include <captcha/data/png.hpp>

#include "svg.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

inline constexpr std::string_view page_style = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#59636e;--line:#d5dae0;--card:#f6f8fa;--bar:#0072b2;--bad:#b4470a}
@media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--soft:#a3adb8;--line:#363d45;--card:#1d2228;--bar:#56b4e9;--bad:#ff9d66}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header{max-width:1280px;margin:0 auto;padding:0 16px}
h1{font-size:1.5rem;margin:1.2rem 0 .2rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}h3{font-size:1rem;margin:1.4rem 0 .4rem}
h1,h2,h3,p,figcaption{overflow-wrap:anywhere}
a{color:var(--bar)}p{margin:.3rem 0;max-width:75ch}.soft,small{color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem;margin:.5rem 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr));gap:16px;align-items:start}
.charts>*{max-width:620px;min-width:0}.charts svg{max-width:480px}svg{display:block;width:100%;height:auto}
.wide{overflow-x:auto;max-width:620px}.charts .wide svg{min-width:500px;max-width:620px}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,175px),1fr));gap:10px}
figure{margin:0;padding:8px;background:var(--card);border-radius:6px;display:flex;gap:10px;align-items:flex-start;min-width:0}
figcaption{font-size:.8rem;line-height:1.35;min-width:0;flex:1}
img{image-rendering:pixelated;background:#fff;display:block;max-width:100%;height:auto}
.read{display:grid;grid-template-columns:1.1em 1fr 3.9em;gap:0 4px;align-items:center;font-variant-numeric:tabular-nums}
.read i{height:.6em;border-radius:2px;background:linear-gradient(var(--bar) 0 0) 0/var(--v) 100% no-repeat,var(--line)}
.read span:nth-child(3n){text-align:right}.wrong{color:var(--bad);white-space:nowrap}
.table{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
td{white-space:nowrap}th,td{text-align:right;padding:.25rem .7rem;border-bottom:1px solid var(--line)}th:first-child,td:first-child{text-align:left;padding-left:0}
.heat{grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr))}.heat figure{flex-direction:column}.heat figcaption{width:100%}
.pair{display:flex;flex-wrap:wrap;gap:6px}summary{cursor:pointer;color:var(--soft);margin:.4rem 0}
)";

/// A picture with its bytes in the page, shown `zoom` times as large.
inline std::string html_picture(const Image& image, const std::string& says, int zoom) {
  return "<img alt=\"" + escaped(says) + "\" width=\"" + std::to_string(zoom * image.width) + "\" height=\"" +
         std::to_string(zoom * image.height) + "\" src=\"data:image/png;base64," + base64(encode_png(image)) +
         "\">";
}

/// A table of texts, its first row and first column as headings.
inline std::string html_table(const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    html += "<tr>";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const char* const scope = r == 0 ? " scope=\"col\"" : c == 0 ? " scope=\"row\"" : nullptr;
      html += std::string("<") + (scope ? "th" : "td") + (scope ? scope : "") + ">" + escaped(rows[r][c]) +
              (scope ? "</th>" : "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

/// Collects sections and links to them.
class ReportPage {
 public:
  explicit ReportPage(std::string title) : title_(std::move(title)) {}

  void section(const std::string& id, const std::string& heading, const std::string& explanation = "") {
    links_ += "<a href=\"#" + id + "\">" + escaped(heading) + "</a>\n";
    body_ += "<h2 id=\"" + id + "\">" + escaped(heading) + "</h2>\n";
    paragraph(explanation);
  }
  /// A section of a section.
  void part(const std::string& heading, const std::string& explanation = "") {
    body_ += "<h3>" + escaped(heading) + "</h3>\n";
    paragraph(explanation);
  }
  void paragraph(const std::string& text) {
    if (!text.empty()) body_ += "<p class=\"soft\">" + escaped(text) + "</p>\n";
  }
  /// HTML as it stands.
  void add(const std::string& html) { body_ += html; }
  void details(const std::string& summary, const std::string& html) {
    body_ += "<details><summary>" + escaped(summary) + "</summary>" + html + "</details>\n";
  }

  std::string html() const {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
           "style-src 'unsafe-inline'\">\n<title>" +
           escaped(title_) + "</title>\n<style>" + std::string(chart_style) + std::string(page_style) +
           "</style></head>\n<body><header><h1>" + escaped(title_) + "</h1>\n<nav aria-label=\"Sections\">" +
           links_ + "</nav></header>\n<main>\n" + body_ + "</main></body></html>\n";
  }

 private:
  std::string title_;
  std::string links_{};
  std::string body_{};
};

}  // namespace captcha::app
