#include "catch.hpp"

// Drawing characters: the same seed gives the same pixels, classes are balanced, nothing is half-written.
#include <captcha/core/error.hpp>
#include <captcha/data/folder.hpp>

#include "generate.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

using namespace captcha;
using namespace captcha::app;
namespace fs = std::filesystem;

namespace {

/// False, with a warning, where the font is not installed.
bool have_font() {
  try {
    find_font();
    return true;
  } catch (const Error& error) {
    WARN("not tested: " << error.what());
    return false;
  }
}

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

double ink_in(const Image& image, double left, double right) {
  double ink = 0, pixels = 0;
  for (int row = 15; row < 42; ++row)
    for (int column = static_cast<int>(left); column <= static_cast<int>(right); ++column) {
      ink += std::max(0.0f, 1 - static_cast<float>(image.at(row, column)) / paper(row, column));
      pixels += 1;
    }
  return ink / pixels;
}

Point stay(Point to) {
  return to;
}
Point from_left(Point to) {
  return {to.x - 1, to.y};
}
Point from_half_above(Point to) {
  return {to.x, to.y - 0.5};
}

}  // namespace

TEST_CASE("rippled undoes ripple", "[generate]") {
  for (double x = 0; x < captcha_width; x += 7.3)
    for (double y = 0; y < captcha_height; y += 3.1) {
      const Point back = ripple(rippled({x, y}));
      CHECK(back.x == Approx(x).margin(1e-3));
      CHECK(back.y == Approx(y).margin(1e-3));
    }
}

TEST_CASE("water leaves everything alone beyond 50 pixels and moves nothing further than 3", "[generate]") {
  double furthest = 0;
  for (int row = 0; row < captcha_height; ++row)
    for (int column = 0; column < captcha_width; ++column) {
      const Point to{static_cast<double>(column), static_cast<double>(row)}, from = water(to);
      const double moved = std::hypot(from.x - to.x, from.y - to.y);
      furthest = std::max(furthest, moved);
      if (std::hypot(to.x - 100, to.y - 25) > 50) CHECK(moved == 0);
    }
  CHECK(furthest > 2);
  CHECK(furthest <= 3);
}

TEST_CASE("a warp by the identity changes nothing, by one column moves one column", "[generate]") {
  InkPlane plane;
  plane.at(10, 20) = 0.75f;
  CHECK(warp<stay>(plane).ink == plane.ink);
  const InkPlane moved = warp<from_left>(plane);
  CHECK(moved.at(10, 21) == 0.75f);
  CHECK(moved.at(10, 20) == 0.0f);
  const InkPlane halved = warp<from_half_above>(plane);
  CHECK(halved.at(10, 20) == Approx(0.375));
  CHECK(halved.at(11, 20) == Approx(0.375));
}

TEST_CASE("a straight curve is one piece, a bent one ends where it should", "[generate]") {
  std::vector<Point> corners;
  flatten({0, 0}, {10, 0}, {20, 0}, {30, 0}, 10, corners);
  REQUIRE(corners.size() == 1);
  corners.clear();
  flatten({0, 0}, {0, 40}, {30, 40}, {30, 0}, 10, corners);
  CHECK(corners.size() >= 4);
  CHECK(corners.back().x == 30);
  // The middle of a cubic is (a + 3 b + 3 c + d) / 8.
  CHECK(std::any_of(corners.begin(), corners.end(), [](Point p) { return p.x == 15 && p.y == 30; }));
}

TEST_CASE("a stroke covers its length and width", "[generate]") {
  InkPlane plane;
  draw_stroke(plane, {50, 20}, {90, 20}, 3);
  double area = 0;
  for (const float ink : plane.ink) area += static_cast<double>(ink);
  CHECK(area == Approx((40 + 3) * 3).epsilon(0.01));
  CHECK(plane.at(20, 70) == 1.0f);
  CHECK(plane.at(24, 70) == 0.0f);
}

TEST_CASE("a CAPTCHA has its letters where it says", "[generate]") {
  if (!have_font()) return;
  for (std::uint64_t index = 0; index < 50; ++index) {
    Random random(5, Purpose::test, 0, index);
    std::string text;
    while (text.size() < 5) text += labels[random.below(20)];
    const Captcha captcha = draw_captcha(text, random);
    REQUIRE(captcha.image.width == 200);
    REQUIRE(captcha.image.height == 50);
    REQUIRE(captcha.image.pixels.size() == 200 * 50);
    REQUIRE(captcha.letters.size() == 5);
    CHECK(captcha.letters[0].left == Approx(30).margin(4));
    for (std::size_t i = 0; i < 5; ++i) {
      const InkSpan& letter = captcha.letters[i];
      INFO(text << " letter " << i);
      CHECK(ink_in(captcha.image, letter.left, letter.right) > 0.2);
      if (i > 0) CHECK(letter.left > captcha.letters[i - 1].left + 14);
    }
    // Right of the text there is at most a noise line.
    CHECK(ink_in(captcha.image, captcha.letters[4].right + 6, 199) < 0.15);
  }
}

TEST_CASE("a text that cannot be drawn is refused", "[generate]") {
  if (!have_font()) return;
  Random random(1);
  CHECK(message_of([&] { draw_captcha("", random); }).find("no text") != std::string::npos);
  CHECK(message_of([&] { draw_captcha("2b?27", random); }).find("'?'") != std::string::npos);
  CHECK(message_of([&] { draw_captcha("mmmmmmmmmm", random); }).find("wider") != std::string::npos);
  CHECK(message_of([&] { draw_character('z', random); }).find("'z'") != std::string::npos);
}

TEST_CASE("a font that is not there or is none gives one clear line", "[generate]") {
  const TemporaryFolder scratch;
  const fs::path text = scratch.path / "font.ttf";
  std::ofstream(text) << "no font";
  CHECK(message_of([&] { Glyphs{text}; }).find("fonts-go") != std::string::npos);
  CHECK(message_of([&] { Glyphs{scratch.path / "missing.ttf"}; }).find("fonts-go") != std::string::npos);
}

TEST_CASE("the two designs of a letter are as wide as the table says", "[generate]") {
  if (!have_font()) return;
  for (std::size_t number = 0; number < letter_table.size(); ++number)
    for (std::size_t design = 0; design < 2; ++design) {
      const GlyphBox& box = letter_table[number].designs[design];
      const Glyph& glyph = installed_glyphs()(number, design, 0);
      int first = Glyph::width, last = -1;
      for (int row = 0; row < Glyph::height; ++row)
        for (int column = 0; column < Glyph::width; ++column)
          if (glyph.at(row, column) > 0) {
            first = std::min(first, column);
            last = std::max(last, column);
          }
      INFO(letter_table[number].label << " design " << design);
      CHECK(first == Approx(box.bearing).margin(1.01));
      CHECK(last + 1 == Approx(box.bearing + box.width).margin(1.01));
    }
}

TEST_CASE("a character hangs on seed and number alone", "[generate]") {
  if (!have_font()) return;
  const GenerateOptions options{.out = "", .seed = 9};
  const Image image = generate_image(41, options, installed_glyphs());
  generate_image(7, options, installed_glyphs());
  CHECK(image.pixels == generate_image(41, options, installed_glyphs()).pixels);
  CHECK(image.pixels != generate_image(61, options, installed_glyphs()).pixels);
  CHECK(image.pixels != generate_image(41, {.out = "", .seed = 10}, installed_glyphs()).pixels);
  CHECK(image.width == 32);
  CHECK(image.height == 52);
  CHECK(image.channels == 1);
}

TEST_CASE("one in twenty characters holds only 0 and 1, the others use the range", "[generate]") {
  if (!have_font()) return;
  const GenerateOptions options{.out = ""};
  int binary = 0;
  for (std::size_t number = 0; number < 600; ++number) {
    const Image image = generate_image(number, options, installed_glyphs());
    const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
    REQUIRE(*low < *high);
    if (*high == 1)
      ++binary;
    else
      CHECK(*high - *low > 40);
  }
  CHECK(binary > 10);
  CHECK(binary < 60);
}

TEST_CASE("without alteration a character is the plain cut", "[generate]") {
  if (!have_font()) return;
  CharacterStyle plain{0, 0, 0, 0, 0, 0, 0};
  Random random(3);
  const Image image = draw_character('8', random, plain);
  // Paper is light and ink black, as in the CAPTCHA.
  CHECK(*std::max_element(image.pixels.begin(), image.pixels.end()) >= 195);
  CHECK(*std::min_element(image.pixels.begin(), image.pixels.end()) < 30);
}

TEST_CASE("generate writes balanced classes that the loader reads", "[generate]") {
  if (!have_font()) return;
  const TemporaryFolder scratch;
  generate({.out = scratch.path / "set", .count = 45, .seed = 2});
  CHECK_FALSE(fs::exists(scratch.path / "set.part"));
  const ImageFolder<chw(1, 52, 32)> data(scratch.path / "set");
  REQUIRE(data.size() == 45);
  std::map<std::string, int> per_class;
  for (const fs::directory_entry& file : fs::directory_iterator(scratch.path / "set"))
    ++per_class[file.path().filename().string().substr(0, 1)];
  CHECK(per_class.size() == 20);
  for (const auto& [label, count] : per_class) CHECK((count == 2 || count == 3));
}

TEST_CASE("a folder that holds files is refused unless they may be added to", "[generate]") {
  if (!have_font()) return;
  const TemporaryFolder scratch;
  std::ofstream(scratch.path / "mine.txt") << "keep";
  CHECK(message_of([&] { generate({.out = scratch.path, .count = 20}); }).find("holds files") !=
        std::string::npos);
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 1);
  generate({.out = scratch.path, .count = 20, .add = true});
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 21);
  CHECK(fs::exists(scratch.path / "mine.txt"));
  generate({.out = scratch.path / "", .count = 20, .first = 20, .add = true});
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 41);
}

TEST_CASE("a file in the folder's place, no name, no count: errors that leave nothing", "[generate]") {
  if (!have_font()) return;
  const TemporaryFolder scratch;
  std::ofstream(scratch.path / "file") << "keep";
  CHECK(message_of([&] { generate({.out = scratch.path / "file"}); }).find("a file stands there") !=
        std::string::npos);
  CHECK(message_of([&] { generate({.out = scratch.path / "file" / "below"}); }).find("cannot be made") !=
        std::string::npos);
  CHECK(message_of([&] { generate({.out = ""}); }).find("no folder") != std::string::npos);
  CHECK(message_of([&] { generate({.out = scratch.path / "none", .count = 0}); }).find("0 images") !=
        std::string::npos);
  CHECK(std::distance(fs::directory_iterator(scratch.path), {}) == 1);
}

TEST_CASE("a folder that is not committed leaves nothing", "[generate]") {
  const TemporaryFolder scratch;
  {
    NewFolder folder(scratch.path / "new");
    folder.write("a_1.png", Image{2, 2, 1, {1, 2, 3, 4}});
    CHECK(fs::exists(scratch.path / "new.part" / "a_1.png"));
  }
  CHECK(fs::is_empty(scratch.path));
  // Someone else's unfinished folder is not ours to remove.
  fs::create_directories(scratch.path / "new.part" / "theirs");
  CHECK(message_of([&] { NewFolder{scratch.path / "new"}; }).find("exists already") != std::string::npos);
  CHECK(fs::exists(scratch.path / "new.part" / "theirs"));
}

TEST_CASE("a link to a folder stays, and the folder is written", "[generate]") {
  const TemporaryFolder scratch;
  fs::create_directories(scratch.path / "real");
  fs::create_symlink("real", scratch.path / "link");
  const auto write = [&](const std::string& name) {
    NewFolder folder(scratch.path / "link", true);
    folder.write(name, Image{2, 2, 1, {1, 2, 3, 4}});
    folder.commit();
  };
  write("a_1.png");
  write("a_2.png");
  CHECK(fs::is_symlink(scratch.path / "link"));
  CHECK(fs::exists(scratch.path / "real" / "a_1.png"));
  CHECK(fs::exists(scratch.path / "real" / "a_2.png"));
  fs::create_symlink("nothing", scratch.path / "broken");
  CHECK(message_of([&] { NewFolder{scratch.path / "broken"}; }).find("leads nowhere") != std::string::npos);
}
