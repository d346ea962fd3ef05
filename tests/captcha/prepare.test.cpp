#include "catch.hpp"

// Cutting CAPTCHAs into characters: on drawn ones the place of every letter is known, on real ones we count.
#include <captcha/core/error.hpp>
#include <captcha/data/png.hpp>

#include "draw_captcha.hpp"
#include "prepare.hpp"
#include "temporary_folder.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace captcha;
using namespace captcha::app;
namespace fs = std::filesystem;

namespace {

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// 200 x 50 pixels of paper with black bars for letters of these designs.
Image bars(std::string_view solution, std::size_t designs) {
  Image image{captcha_height, captcha_width, 1, {}};
  InkPlane plane;
  int pen = text_start;
  for (std::size_t i = 0; i < solution.size(); ++i) {
    const GlyphBox& box = letter_table[letter_number(solution[i], "test")].designs[designs >> i & 1];
    for (int row = text_line - 25; row < text_line; ++row)
      for (int column = static_cast<int>(std::lround(pen + box.bearing));
           column < std::lround(pen + box.bearing + box.width); ++column)
        plane.at(row, column) = 0.6f;
    pen += box.advance();
  }
  plane = warp<ripple>(plane);
  for (int row = 0; row < captcha_height; ++row)
    for (int column = 0; column < captcha_width; ++column)
      image.pixels.push_back(
          static_cast<std::uint8_t>(std::lround(paper(row, column) * (1 - plane.at(row, column)))));
  return image;
}

fs::path shared_captchas() {
  const char* shared = std::getenv("CAPTCHA_SHARED");
#ifdef CAPTCHA_SHARED_DIR
  if (shared == nullptr) shared = CAPTCHA_SHARED_DIR;
#endif
  return shared == nullptr ? fs::path() : fs::path(shared) / "data" / "captcha_v2";
}

}  // namespace

TEST_CASE("drawn CAPTCHAs are cut where their letters are", "[prepare]") {
  try {
    find_font();
  } catch (const Error& error) {
    WARN("not tested: " << error.what());
    return;
  }
  // Words of any letters; and of letters whose two designs differ most in width, so that mistaking one for
  // the other moves every later letter.
  const std::string all(labels.begin(), labels.end());
  for (const std::string& letters : {all, std::string("mw"), std::string("mwmw2b8c7n")}) {
    int near = 0;
    constexpr int captchas = 200;
    for (std::uint64_t index = 0; index < captchas; ++index) {
      Random random(11, Purpose::test, 0, index);
      std::string text;
      while (text.size() < 5) text += letters[random.below(static_cast<std::uint32_t>(letters.size()))];
      const Captcha captcha = draw_captcha(text, random);
      const std::vector<Cut> cuts = cut_captcha(captcha.image, text);
      REQUIRE(cuts.size() == 5);
      for (std::size_t i = 0; i < 5; ++i) {
        CHECK(cuts[i].label == text[i]);
        CHECK(cuts[i].position == static_cast<int>(i) + 1);
        CHECK(cuts[i].image.width == 32);
        CHECK(cuts[i].image.height == 52);
        const double centre = (captcha.letters[i].left + captcha.letters[i].right) / 2;
        near += std::abs((cuts[i].box.left + cuts[i].box.right) / 2.0 - centre) < 3;
      }
    }
    INFO("letters of " << letters);
    CHECK(near >= captchas * 5 * 995 / 1000);
  }
}

TEST_CASE("boxes keep the data set's size", "[prepare]") {
  Random random(2);
  for (const char label : labels)
    for (double width : {10.0, 20.0, 33.0}) {
      const CutBox box = cut_box(label, {80, 80 + width});
      CHECK(box.right - box.left >= 20);
      CHECK(box.right - box.left <= 32);
      CHECK(box.bottom == 48);
      CHECK((box.left + box.right) / 2.0 == Approx(80 + width / 2).margin(1));
      const CutBox moved = jittered(box, random);
      CHECK(moved.right - moved.left >= 20);
      CHECK(moved.right - moved.left <= 32);
      CHECK(moved.bottom >= 46);
      CHECK(moved.bottom <= 50);
    }
  CHECK(cut_box('8', {80, 100}).top == 4);
  CHECK(cut_box('a', {80, 100}).top == 10);
}

TEST_CASE("cut_captcha refuses what is no solved CAPTCHA", "[prepare]") {
  const Image image = bars("2b827", 0);
  CHECK(message_of([&] {
          cut_captcha(image, "2b82", "x.png");
        }).find("x.png: the solution '2b82': 4 of five letters") == 0);
  CHECK(message_of([&] { cut_captcha(image, "2b82z", "x.png"); }).find("x.png: 'z' is no letter") == 0);
  CHECK(message_of([&] {
          cut_captcha(Image{40, 100, 1, std::vector<std::uint8_t>(4000)}, "2b827", "x.png");
        }).find("x.png: 100 x 40 pixels of 1 channels, expected") == 0);
  CHECK(message_of([&] {
          cut_captcha(Image{50, 200, 3, std::vector<std::uint8_t>(30000)}, "2b827");
        }).find("of 3 channels") != std::string::npos);
}

TEST_CASE("prepare names characters by their source, skips and names what is no PNG", "[prepare]") {
  const TemporaryFolder scratch;
  const fs::path in = scratch.path / "in", out = scratch.path / "out";
  fs::create_directories(in);
  write_png(in / "2b827.png", bars("2b827", 3));
  write_png(in / "mmwmm.png", bars("mmwmm", 9));
  std::ofstream(in / "xy345.jpg") << "\xFF\xD8\xFF, as a JPEG begins";
  const PrepareReport report = prepare({.captchas = in, .out = out, .variants = 2});
  CHECK(report.captchas == 2);
  CHECK(report.characters == 20);
  REQUIRE(report.skipped.size() == 1);
  CHECK(report.skipped[0].find("xy345.jpg: a JPEG; ") == 0);
  CHECK(fs::exists(out / "b_2b827-2.png"));
  CHECK(fs::exists(out / "b_2b827-2-2.png"));
  CHECK(std::distance(fs::directory_iterator(out), {}) == 20);
  const Image cut = read_png(out / "7_2b827-5.png");
  CHECK((cut.width == 32 && cut.height == 52 && cut.channels == 1));
  CHECK(message_of([&] { prepare({.captchas = in, .out = out}); }).find("holds files") != std::string::npos);

  // It is read where JPEGs are trusted, whatever its name; but it is none.
  fs::rename(in / "xy345.jpg", in / "xy345.png");
  CHECK(message_of([&] {
          prepare({.captchas = in, .out = scratch.path / "all", .trust_jpeg = true});
        }).find("xy345.png: JPEG cut short") != std::string::npos);
}

TEST_CASE("one bad CAPTCHA stops prepare and leaves nothing behind", "[prepare]") {
  const TemporaryFolder scratch;
  const fs::path in = scratch.path / "in", out = scratch.path / "out";
  fs::create_directories(in);
  CHECK(message_of([&] { prepare({.captchas = in, .out = out}); }).find("no images") != std::string::npos);
  CHECK(message_of([&] { prepare({.captchas = scratch.path / "none", .out = out}); }) != "");
  write_png(in / "2b827.png", bars("2b827", 3));
  SECTION("wrong size") {
    write_png(in / "3b827.png", Image{50, 199, 1, std::vector<std::uint8_t>(9950)});
  }
  SECTION("wrong name") {
    write_png(in / "hello.png", bars("2b827", 3));
  }
  SECTION("damaged") {
    std::ofstream(in / "3b827.png") << "no PNG";
  }
  const std::string message = message_of([&] { prepare({.captchas = in, .out = out}); });
  CHECK((message.find("3b827.png") != std::string::npos || message.find("hello.png") != std::string::npos));
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 1);
}

TEST_CASE("real CAPTCHAs: letters begin and end on paper", "[prepare]") {
  const fs::path folder = shared_captchas();
  if (folder.empty() || !fs::is_directory(folder)) {
    WARN("not tested on real CAPTCHAs: set CAPTCHA_SHARED to the folder that holds data/captcha_v2");
    return;
  }
  std::size_t captchas = 0, good = 0;
  const std::vector<std::string> names = list_images(folder, false);
  for (std::size_t i = 0; i < names.size(); i += 6) {
    const fs::path path = folder / names[i];
    if (path.extension() != ".png") continue;
    const Image grey = to_grey(read_png(path));
    const std::vector<double> profile = ink_profile(grey);
    const auto ink_between = [&](double left, double right) {
      double sum = 0;
      for (auto column = static_cast<std::size_t>(left); column < static_cast<std::size_t>(right); ++column)
        sum += profile[column];
      return sum / (std::floor(right) - std::floor(left)) / letter_rows;
    };
    const std::vector<Cut> cuts = cut_captcha(grey, path.stem().string(), path.string());
    // Past the last letter there is only a noise line; the last letter itself is dark.
    const double end = (cuts[4].box.left + cuts[4].box.right) / 2.0;
    ++captchas;
    good += ink_between(end + 22, end + 36) < 0.2 && ink_between(end - 5, end + 7) > 0.15;
  }
  WARN("real CAPTCHAs: " << good << " of " << captchas << " end where their last letter was found");
  REQUIRE(captchas > 100);
  CHECK(good * 100 >= captchas * 98);
}
