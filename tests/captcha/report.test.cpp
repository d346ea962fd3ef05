// What is written to be looked at: text that comes from outside, axes, charts, tables, and whole reports as
// another parser reads them.
#include <captcha/io/weights_file.hpp>

#include "catch.hpp"
#include "chart.hpp"
#include "confusion_chart.hpp"
#include "desk.hpp"
#include "evaluation.hpp"
#include "heat.hpp"
#include "heat_score.hpp"
#include "picture_sheet.hpp"
#include "report_page.hpp"
#include "run_record.hpp"
#include "svg.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

using namespace captcha;
using namespace captcha::app;
namespace fs = std::filesystem;

namespace {

std::string marks(const ChartAxis& axis) {
  std::string all;
  for (std::size_t i = 0; i <= axis.marks(); ++i) all += (i ? " " : "") + axis.mark(i);
  return all;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::vector<std::uint8_t> bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

/// A run as `captcha train` leaves it, of a network that has learnt nothing.
void make_run(const Desk& desk, const std::string& name, std::uint64_t seed, const std::string& metrics,
              const std::string& config) {
  fs::create_directories(desk.path / name);
  save_weights(desk.path / name / "best.safetensors", Weights<Network>(seed),
               to_metadata<Network>(character_info()));
  if (!metrics.empty()) desk.write(name + "/metrics.jsonl", metrics);
  if (!config.empty()) desk.write(name + "/config.toml", config);
}

/// What the other parser says; a text that starts with "failed" when it does not like it.
std::string checked(const Desk& desk, const std::string& what) {
  const std::string command =
      std::string(CAPTCHA_CHECK_OUTPUT) + " " + what + " > '" + (desk / "checked") + "' 2>&1";
  const bool well = std::system(command.c_str()) == 0;
  return (well ? "" : "failed: ") + desk.text("checked").substr(0, 100'000);
}

const char* const metrics =
    "{\"epoch\":1,\"step\":9,\"learning_rate\":0.002,\"train_loss\":2.5,\"train_accuracy\":0.3,\"val_loss\":"
    "1.5,"
    "\"val_accuracy\":0.5,\"seconds\":2,\"images_per_second\":400}\n"
    "{\"epoch\":2,\"step\":18,\"learning_rate\":1e-9,\"train_loss\":1.5,\"train_accuracy\":0.7,\"val_loss\":"
    "null,"
    "\"val_accuracy\":0.8,\"seconds\":2,\"images_per_second\":420}\n";

}  // namespace

TEST_CASE("text from outside is harmless in HTML and SVG", "[report]") {
  CHECK(escaped("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(escaped("</title><script>alert(1)</script>") ==
        "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
  CHECK(escaped("ü€😀") == "ü€😀");
  CHECK(escaped(std::string("\0\x1b\n\x7f", 4)) == "\uFFFD\uFFFD\uFFFD\uFFFD");
  CHECK(escaped("a\xff\xc3z") == "a\uFFFD\uFFFDz");
  CHECK(escaped("\xf0\x9f\x98") == "\uFFFD\uFFFD\uFFFD");
  CHECK(escaped("\uFFFE").size() == 3);
  CHECK(escaped("\uFFFE") == "\uFFFD");
  CHECK(escaped("").empty());
}

TEST_CASE("base64 as in RFC 4648", "[report]") {
  CHECK(base64(bytes("")).empty());
  CHECK(base64(bytes("f")) == "Zg==");
  CHECK(base64(bytes("fo")) == "Zm8=");
  CHECK(base64(bytes("foo")) == "Zm9v");
  CHECK(base64(bytes("foobar")) == "Zm9vYmFy");
  CHECK(base64(std::vector<std::uint8_t>{0xFB, 0xFF, 0xBE}) == "+/++");
}

TEST_CASE("axes are marked at round numbers that enclose the values", "[report]") {
  CHECK(marks(axis_around("", 0, 1.93)) == "0 0.5 1.0 1.5 2.0");
  CHECK(marks(axis_around("", 0, 0.002)) == "0 0.0005 0.0010 0.0015 0.0020");
  CHECK(marks(axis_around("", 59.9, 100)) == "50 60 70 80 90 100");
  CHECK(marks(axis_around("epoch", 1, 3, 1)) == "1 2 3");
  CHECK(marks(axis_around("epoch", 0, 1, 1)) == "0 1");
  CHECK(marks(axis_around("epoch", 1, 200, 1)) == "0 50 100 150 200");
  CHECK(marks(axis_around("", 0, 1447)) == "0 500 1000 1500");
  CHECK(marks(axis_around("", 0, 2e-6)) == "0 5e-07 1e-06 1.5e-06 2e-06");
  const ChartAxis none = axis_around("", 0, 0);  // all values equal
  CHECK(none.high > none.low);
  CHECK(std::isfinite(none.share(0)));
}

TEST_CASE("a chart shows its points, skips what is no number, and names its lines", "[report]") {
  const std::vector<ChartLine> lines{
      {.name = "a<b", .series = 0, .points = {{1, 0.5}, {2, NAN}, {3, 1.0, 2.5, "third & last"}}},
      {.name = "", .series = 1, .dashed = true, .marked = false, .points = {{1, 0}, {3, 1}}}};
  const std::string svg = line_chart({"id", "T<", "D&"}, {"x", 1, 3, 1}, {"y", 0, 1, 0.5}, lines).inlined();
  CHECK(count(svg, "class=\"curve\"") == 2);       // a line, and its sample in the legend
  CHECK(count(svg, "class=\"curve dash\"") == 1);  // without a name, so without a sample
  CHECK(count(svg, "M66 114L328 34") == 1);        // from (1, 0.5) straight to (3, 1)
  CHECK(count(svg, "<title>third &amp; last</title>") == 1);
  CHECK(count(svg, ">a&lt;b</text>") == 1);
  CHECK(count(svg, "aria-labelledby=\"id-t id-d\"") == 1);
  CHECK(count(svg, "<title id=\"id-t\">T&lt;</title><desc id=\"id-d\">D&amp;</desc>") == 1);
  CHECK(count(svg, "nan") == 0);
}

TEST_CASE("a confusion chart shows counts or shares of the row", "[report]") {
  ConfusionMatrix confusion;
  std::vector<double> counts(9, 0);
  counts[0] = 1500;  // of the first class, all but 3 of 1503
  counts[1] = 3;
  counts[4] = 3;
  counts[5] = 1;
  confusion.restore(counts);
  const std::vector<std::string> classes{"a", "b", "c"};
  const std::string images = confusion_chart({"i", "t", "d"}, confusion, classes, false).inlined();
  const std::string shares = confusion_chart({"i", "t", "d"}, confusion, classes, true).inlined();
  CHECK(count(images, ">1500</text>") == 1);
  CHECK(count(images, "a read as b: 3 of 1503, 0.2 %") == 1);
  CHECK(count(images, "<rect") == 1 + 4);
  CHECK(count(shares, ">100</text>") == 1);
  CHECK(count(shares, ">&lt;1</text>") == 1);
  CHECK(count(shares, ">75</text>") == 1);
  CHECK(count(shares, ">25</text>") == 1);
}

TEST_CASE("a heat map leaves the picture alone where it is 0, and covers it the more the more it is",
          "[report]") {
  const Image grey{1, 3, 1, {10, 10, 210}};
  const std::vector<float> map{0.0f, 1.0f, 0.25f};
  const Image overlay = heat_overlay(grey, map);
  REQUIRE(overlay.channels == 3);
  REQUIRE(overlay.pixels.size() == 9);
  CHECK(overlay.at(0, 0, 0) == 0);  // stretched: the darkest is black
  CHECK(overlay.at(0, 0, 2) == 0);
  const Colour most = heat_colour(1);
  CHECK(overlay.at(0, 1, 0) == std::lround(0.75 * most.red));
  CHECK(overlay.at(0, 1, 2) == std::lround(0.75 * most.blue));
  const Colour some = heat_colour(0.25);
  CHECK(overlay.at(0, 2, 1) == std::lround(255 + 0.1875 * (some.green - 255)));
}

TEST_CASE("what a map marks most is painted over in the light grey of the image", "[report]") {
  Image image{1, 10, 1, {}};
  for (int i = 0; i < 10; ++i) image.pixels.push_back(static_cast<std::uint8_t>(10 * i));
  const std::vector<float> map{0.1f, 0.9f, 0, 0, 0.3f, 0.8f, 0, 0, 0, 0};
  const Image painted = painted_over(image, map);
  CHECK(painted.pixels == std::vector<std::uint8_t>{0, 70, 20, 30, 40, 70, 60, 70, 80, 90});
}

TEST_CASE("sheets hold their pictures where they belong", "[report]") {
  Sheet sheet(2, 2, 1, 2);
  sheet.add(Image{1, 2, 1, {1, 2}});
  sheet.skip();
  sheet.add(zoomed(Image{1, 1, 1, {7}}, 1));
  CHECK(sheet.image().height == 2 * 3 + 2);
  CHECK(sheet.image().width == 2 * 4 + 2);
  CHECK(sheet.image().at(2, 3) == 2);
  CHECK(sheet.image().at(2, 6) == 255);
  CHECK(sheet.image().at(5, 2) == 7);
  const Image large = zoomed(Image{1, 2, 1, {5, 9}}, 2);
  CHECK(large.pixels == std::vector<std::uint8_t>{5, 5, 9, 9, 5, 5, 9, 9});
  CHECK(stretched_picture(std::vector<float>{-1, 0, 1}, 1, 3).pixels ==
        std::vector<std::uint8_t>{0, 128, 255});
}

TEST_CASE("a run that is not as train writes it is refused with file and line", "[report]") {
  const Desk desk;
  CHECK_THROWS_WITH(read_run(desk / "none"), Catch::Contains("none: no such folder"));
  fs::create_directories(desk / "empty");
  CHECK_THROWS_WITH(read_run(desk / "empty"), Catch::Contains("no final.safetensors and no best"));
  desk.write("empty/best.safetensors", "");
  desk.write("empty/metrics.jsonl", "{\"epoch\":1,\"step\":2}\n{\"epoch\":x}\n");
  CHECK_THROWS_WITH(read_run(desk / "empty"),
                    Catch::Contains("metrics.jsonl:2") && Catch::Contains("number"));
  desk.write("empty/metrics.jsonl", "{\"epoch\":1,\"step\":2,\"val_loss\":0.5}\n");
  desk.write("empty/config.toml", "a = 1\nb = = 2\n");
  CHECK_THROWS_WITH(read_run(desk / "empty"), Catch::Contains("config.toml:2"));
  desk.write("empty/config.toml", "epochs = 3\naugment = true\nlearning-rate = 0.002\n");
  const RunRecord run = read_run(desk / "empty");
  CHECK(run.history.size() == 1);
  CHECK(run.history[0]["val_loss"] == 0.5);
  CHECK(run.settings.at("epochs") == "3");
  CHECK(run.settings.at("augment") == "true");
}

TEST_CASE("visualize writes a report that needs nothing else, whatever files are called", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 20").code == 0);
  const std::string nasty = "c/m_<img src=x onerror=alert(1)>\"'&\xff.png";
  fs::copy_file(desk / "c/m_14.png", desk / nasty);
  make_run(desk, "one", 1, metrics, "epochs = 2\nseed = 1\n");
  make_run(desk, "<b>two", 2, "", "epochs = 2\nseed = 2\n");

  const Outcome one = desk.run("visualize " + (desk / "one") + " --data " + (desk / "c") + " --out " +
                               (desk / "report") + " --threads 2");
  INFO(one.err);
  REQUIRE(one.code == 0);
  CHECK(one.out == (desk / "report/report.html") + "\n");
  std::string said = checked(desk, "report " + (desk / "report"));
  INFO(said);
  for (const char* file : {"accuracy.svg", "calibration.svg", "classes.svg", "confusion-percent.svg",
                           "confusion.svg", "doubtful.png", "filters.png", "heat.png", "learning-rate.svg",
                           "loss.svg", "mistakes.png", "report.html", "samples.png", "speed.svg"})
    CHECK_THAT(said, Catch::Contains(std::string(file) + "\n"));
  CHECK_THAT(said, Catch::Contains("m_<img src=x onerror=alert(1)>\"'&\uFFFD.png"));
  CHECK_FALSE(said.starts_with("failed"));
  CHECK_FALSE(fs::exists(desk / "report.part"));

  // Again into the same folder, several runs, chosen images and layers.
  const Outcome both =
      desk.run("visualize " + (desk / "one") + " --data " + (desk / "c") + " --out " + (desk / "report") +
               " --cam " + (desk / "c/2_0.png") + " --threads 2 --layer layer1 --layer layer3.0.conv1 '" +
               (desk / "<b>two") + "'");
  INFO(both.err);
  REQUIRE(both.code == 0);
  said = checked(desk, "report " + (desk / "report"));
  INFO(said);
  CHECK_FALSE(said.starts_with("failed"));
  CHECK_THAT(said, Catch::Contains("heat-2.png\n") && Catch::Contains("confusion-1.svg\n") &&
                       Catch::Contains("<b>two") && Catch::Contains("layer1, layer3.0.conv1") &&
                       Catch::Contains("Settings that differ") && !Catch::Contains("epochs2"));
}

TEST_CASE("a run alone is judged by the images that its training was judged by", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 200").code == 0);
  const std::string train = "train --quiet --epochs 1 --no-augment --data " + (desk / "c");
  REQUIRE(desk.run(train + " --val-fraction 0.25 --out " + (desk / "run")).code == 0);
  const std::string run = desk / "run";
  const Outcome alone = desk.run("visualize " + run);
  INFO(alone.err);
  REQUIRE(alone.code == 0);
  CHECK(alone.out == run + "/report/report.html\n");
  CHECK_THAT(desk.text("run/report/report.html"),
             Catch::Contains("On 50 images that the training was judged by"));
  CHECK(desk.run("visualize " + run + " " + run + " --out " + (desk / "twice")).code == 0);

  REQUIRE(desk.run(train + " --val-fraction 0.1 --out " + (desk / "other")).code == 0);
  check_refused(desk.run("visualize " + run + " " + (desk / "other") + " --out " + (desk / "both")), 1,
                "were judged by different images; give --data");
  REQUIRE(desk.run(train + " --val-data " + (desk / "c") + " --out " + (desk / "whole")).code == 0);
  REQUIRE(desk.run("visualize " + (desk / "whole")).code == 0);
  CHECK_THAT(desk.text("whole/report/report.html"), Catch::Contains("On 200 images that"));

  // Of other files the same split would keep back images that the run has learnt from.
  fs::remove(desk / "c/2_0.png");
  check_refused(desk.run("visualize " + run), 1, "are no longer those that it was trained on; give --data");
  fs::remove_all(desk / "run/report");
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("checkpoint-")) fs::remove(entry.path());
  check_refused(desk.run("visualize " + run), 1, "holds no checkpoint");
  CHECK_FALSE(fs::exists(desk / "run/report"));
}

TEST_CASE("a report fits a window of 360 pixels and turns dark where the browser is", "[report]") {
#if defined(CAPTCHA_CHROMIUM)
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 60").code == 0);
  make_run(desk, "run", 1, metrics, "epochs = 2\n");
  REQUIRE(desk.run("visualize " + (desk / "run") + " --data " + (desk / "c") + " --out " + (desk / "report"))
              .code == 0);
  // Around the report a page that says how wide it is, what juts out of it, and its colours.
  desk.write("around.html",
             R"(<iframe id=frame src=report/report.html width=360 height=700></iframe><pre id=said></pre>
<script>frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const out = [...page.querySelectorAll('body *')].filter(e => !e.closest('.table, .wide') &&
                                                              e.getBoundingClientRect().right > root.clientWidth + 1);
  const pictures = [...page.images].every(i => i.complete && i.naturalWidth > 0);
  said.textContent = `scrolls ${root.scrollWidth > root.clientWidth} out ${out.length} pictures ${pictures} ` +
                     `paper ${frame.contentWindow.getComputedStyle(page.body).backgroundColor}`;
}</script>)");
  const auto opened = [&](const std::string& options) {
    const std::string command = std::string(CAPTCHA_CHROMIUM) +
                                " --headless=new --no-sandbox --disable-gpu --allow-file-access-from-files"
                                " --virtual-time-budget=5000 --user-data-dir='" +
                                (desk / "profile") + "' " + options + " --dump-dom 'file://" +
                                (desk / "around.html") + "' > '" + (desk / "dom") + "' 2> /dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    return desk.text("dom");
  };
  CHECK_THAT(opened(""), Catch::Contains("scrolls false out 0 pictures true paper rgb(255, 255, 255)"));
  CHECK_THAT(opened("--blink-settings=preferredColorScheme=0"),
             Catch::Contains("scrolls false out 0 pictures true paper rgb(20, 23, 27)"));
#else
  WARN("chromium was not found: the report was not opened in a browser");
#endif
}

TEST_CASE("visualize refuses what it cannot show, and writes nothing", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 20").code == 0);
  make_run(desk, "run", 1, "", "");
  const std::string rest = " --data " + (desk / "c") + " --out " + (desk / "report");
  const auto refused = [&](const std::string& arguments, int code, const std::string& says) {
    check_refused(desk.run("visualize " + arguments), code, says);
    CHECK_FALSE(fs::exists(desk / "report"));
    CHECK_FALSE(fs::exists(desk / "report.part"));
  };
  refused((desk / "none") + rest, 1, "none: no such folder");
  refused((desk / "run") + " --data " + (desk / "none") + " --out " + (desk / "report"), 1, "none");
  refused((desk / "run") + rest + " --layer layer9", 1, "'layer9'; there are conv1");
  refused((desk / "run") + rest + " --layer fc", 1, "'fc' gives no image");
  refused((desk / "run") + rest + " --cam " + (desk / "none.png"), 1, "none.png");
  refused(rest, 2, "RUN");
  refused((desk / "run") + " --out " + (desk / "report"), 1,
          "does not say what it was trained on; give --data");
  refused((desk / "run") + " " + (desk / "run") + " --data " + (desk / "c"), 2, "--out");
  check_refused(
      desk.run("visualize " + (desk / "run") + " --data " + (desk / "c") + " --out " + (desk / "c")), 1,
      "holds files already");
}

TEST_CASE("evaluate writes all predictions as CSV and all figures as JSON", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  fs::copy_file(desk / "c/m_14.png", desk / "c/m_a,\"b\"\nc.png");
  make_run(desk, "run", 3, "", "");
  const Outcome judged = desk.run("evaluate --json --model " + (desk / "run/best.safetensors") + " --data " +
                                  (desk / "c") + " --csv " + (desk / "all.csv") + " --threads 2");
  REQUIRE(judged.code == 0);
  const auto report = nlohmann::json::parse(judged.out);
  CHECK(report["images"] == 41);
  CHECK(report["by_class"].size() == 20);
  CHECK(report["calibration"].size() == 15);
  std::size_t in_bins = 0, of_m = 0;
  for (const auto& bin : report["calibration"]) in_bins += bin["images"].get<std::size_t>();
  for (const auto& of : report["by_class"])
    if (of["label"] == "m") of_m = of["images"];
  CHECK(in_bins == 41);
  CHECK(of_m == 3);
  for (const char* name : {"accuracy", "top3", "loss", "calibration_error", "brier", "images_per_second"})
    CHECK(report[name].is_number());

  const std::string rows = checked(desk, "csv " + (desk / "all.csv"));
  INFO(rows);
  CHECK(count(rows, "\n") == 42);
  CHECK_THAT(rows, Catch::StartsWith("['file', 'label', 'prediction', 'probability', '2', '3',"));
  CHECK_THAT(rows, Catch::Contains("m_a,\"b\"\\nc.png', 'm',"));
  const std::string table = desk.text("all.csv");
  CHECK(table.ends_with("\r\n"));
  CHECK(count(table, "\n") == 43);  // one within a name

  // The same figures in words, and the same mistakes.
  const Outcome text =
      desk.run("evaluate --model " + (desk / "run/best.safetensors") + " --data " + (desk / "c"));
  CHECK_THAT(text.out, Catch::Contains("calibration error") &&
                           Catch::Contains("labels down, readings across") &&
                           Catch::Contains("F1  taken for"));
  check_refused(desk.run("evaluate --model " + (desk / "run/best.safetensors") + " --data " + (desk / "c") +
                         " --csv " + (desk / "nowhere/all.csv")),
                1, "nowhere/all.csv");
}

TEST_CASE("predict reads standard input, once", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 20").code == 0);
  make_run(desk, "run", 3, "", "");
  const std::string model = " predict --json --model " + (desk / "run/best.safetensors") + " ";
  const auto with_input = [&](const std::string& input, const std::string& arguments) {
    const std::string command = std::string(CAPTCHA_PROGRAM) + arguments + " < '" + input + "' > '" +
                                (desk / "out") + "' 2> '" + (desk / "err") + "'";
    const int status = std::system(command.c_str());
    return Outcome{WEXITSTATUS(status), desk.text("out"), desk.text("err")};
  };
  const Outcome by_name = desk.run(model.substr(1) + (desk / "c/2_0.png"));
  const Outcome piped = with_input(desk / "c/2_0.png", model + "-");
  REQUIRE(by_name.code == 0);
  REQUIRE(piped.code == 0);
  auto named = nlohmann::json::parse(by_name.out), read = nlohmann::json::parse(piped.out);
  CHECK(read[0]["file"] == "-");
  CHECK(read[0]["top"] == named[0]["top"]);
  CHECK(read[0]["top"].size() == 3);
  const Outcome twice = with_input(desk / "c/2_0.png", model + "- -");
  CHECK(twice.code == 1);
  CHECK_THAT(twice.err, Catch::Contains("standard input"));
  const Outcome broken = with_input(desk / "run/best.safetensors", model + "- " + (desk / "c/2_0.png"));
  CHECK(broken.code == 1);
  read = nlohmann::json::parse(broken.out);
  CHECK(read[0].contains("error"));
  CHECK(read[1]["top"] == named[0]["top"]);
}

TEST_CASE("train --tensorboard writes numbers and pictures, also when a run goes on", "[report]") {
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 60").code == 0);
  const std::string train = "train --quiet --threads 2 --data " + (desk / "c") + " --out " + (desk / "run");
  REQUIRE(desk.run(train + " --epochs 2 --batch 20 --tensorboard").code == 0);
  REQUIRE(desk.run("train --quiet --resume --out " + (desk / "run")).code == 0);
  const std::string command =
      std::string(CAPTCHA_READ_EVENTS) + " '" + (desk / "run") + "' > '" + (desk / "read") + "' 2>&1";
  REQUIRE(std::system(command.c_str()) == 0);
  const std::string events = desk.text("read");
  INFO(events);
  CHECK(count(events, " loss/train ") == 2);
  CHECK(count(events, " accuracy/val ") == 2);
  CHECK(count(events, " inputs 342 x 218 x 1\n") == 2);
  CHECK(count(desk.text("run/config.toml"), "tensorboard = true") == 1);
}
