// `captcha data check`: 200 faults of every kind among 20,000 images are all found, and nothing else is.
#include <captcha/core/random.hpp>
#include <captcha/data/png.hpp>

#include "catch.hpp"
#include "desk.hpp"
#include "generate.hpp"
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace captcha;
using namespace captcha::app;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;

void write_bytes(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
}

/// Puts right the checksum of the chunk whose length stands at `at`.
void seal(Bytes& png, std::size_t at) {
  const std::size_t length = big_endian32(std::span(png).subspan(at));
  const auto sum = ::crc32_z(0, png.data() + at + 4, length + 4);
  for (std::size_t i = 0; i < 4; ++i)
    png[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
}

constexpr std::size_t header_at = 8, pixels_at = 33;  // the chunks of the PNG files that we write

void flip(Bytes& bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
}

/// A folder of generated images in which some are spoilt, and what must be said of it.
class Spoilt {
 public:
  explicit Spoilt(fs::path folder) : folder_(std::move(folder)) {
    CharacterStyle style;
    style.binary = 0;  // those that hold only 0 and 1 are planted
    generate({.out = folder_, .count = count, .seed = 11, .style = style});
    for (const auto& entry : fs::directory_iterator(folder_)) names_.push_back(entry.path().filename());
    std::ranges::sort(names_);
    for (std::size_t i = names_.size(); i > 1; --i)
      std::swap(names_[i - 1], names_[random.below(static_cast<std::uint32_t>(i))]);
  }

  static constexpr std::size_t count = 20'000;
  std::map<std::string, std::string> bad{};  ///< kinds by name
  Names constant{}, dark{};
  std::vector<Names> same{}, contradictions{};
  Random random{7};

  /// The next image to spoil.
  fs::path victim() {
    const std::string name = names_.back();
    names_.pop_back();
    return folder_ / name;
  }

  /// Changes the bytes of an image.
  void damage(const std::string& kind, const std::function<void(Bytes&)>& change) {
    const fs::path path = victim();
    Bytes bytes = read_image_file(path);
    change(bytes);
    write_bytes(path, bytes);
    bad[path.filename()] = kind;
  }
  /// Puts something else in an image's place.
  void replace(const std::string& kind, const std::function<void(const fs::path&)>& put) {
    const fs::path path = victim();
    fs::remove(path);
    put(path);
    bad[path.filename()] = kind;
  }
  void rename(const std::string& name) {
    fs::rename(victim(), folder_ / name);
    bad[name] = "label";
  }
  /// Draws an image anew.
  std::string redraw(const std::function<void(Image&)>& change) {
    const fs::path path = victim();
    Image image = read_png(path);
    change(image);
    write_png(path, image);
    return path.filename();
  }
  /// Gives an image the pixels of another one, of the same label or not.
  void repeat(bool same_label) {
    const fs::path path = victim();
    const std::string name = path.filename();
    const auto other = std::ranges::find_if(
        names_, [&](const std::string& one) { return (one[0] == name[0]) == same_label; });
    Names pair{*other, name};
    names_.erase(other);
    kept_.push_back(pair[0]);
    write_png(path, read_png(folder_ / pair[0]));
    std::ranges::sort(pair);
    (same_label ? same : contradictions).push_back(pair);
  }

  std::size_t untouched() const { return names_.size() + kept_.size(); }

 private:
  fs::path folder_;
  Names names_{}, kept_{};
};

void plant(Spoilt& images) {
  Random& random = images.random;
  const auto below = [&](std::size_t most) { return random.below(static_cast<std::uint32_t>(most)); };
  for (std::size_t i = 0; i < 10; ++i) {
    images.replace("unreadable", [&](const fs::path& path) {
      if (i % 4 == 0) fs::create_symlink("nothing_there.png", path);
      if (i % 4 == 1) fs::create_symlink(path, path);
      if (i % 4 == 2) fs::create_directory(path);
      if (i % 4 == 3) REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    });
    images.replace("not_png", [&](const fs::path& path) {
      std::ofstream(path) << (i % 2 == 0 ? "no picture" : "\xFF\xD8\xFF\xE0 like a JPEG");
    });
    images.damage("unsupported", [](Bytes& png) {
      png[header_at + 16] = 16;  // bits per sample
      seal(png, header_at);
    });
  }
  for (std::size_t i = 0; i < 30; ++i) {
    images.damage("truncated", [&](Bytes& png) { png.resize(i < 4 ? i : below(png.size())); });
    // A bit anywhere in a chunk but in its length.
    images.damage("crc", [&](Bytes& png) {
      const std::size_t at = i % 3 == 0 ? header_at : pixels_at,
                        end = i % 3 == 0 ? pixels_at : png.size() - 12;
      flip(png, 8 * (at + 4) + below(8 * (end - at - 4)));
    });
    // Pixels that no longer fit their own checksum, in a chunk that does.
    images.damage("damaged", [&](Bytes& png) {
      const std::size_t length = big_endian32(std::span(png).subspan(pixels_at));
      flip(png, 8 * (pixels_at + 8 + length - 4) + below(32));
      seal(png, pixels_at);
    });
  }
  for (int i = 0; i < 10; ++i) {
    images.replace("size", [&](const fs::path& path) {
      const int height = i == 0 ? 513 : i % 2 == 0 ? 52 : 50 + i / 2 % 2, width = i % 2 == 0 ? 31 : 32;
      const auto samples = static_cast<std::size_t>(height * width);
      if (i == 1)
        write_bytes(path, Bytes(max_image_file + 1));
      else
        write_png(path, {height, width, 1, Bytes(samples, static_cast<std::uint8_t>(i))});
    });
    const std::string number = std::to_string(i);
    images.rename(i < 3   ? "_" + number + ".png"
                  : i < 6 ? "a" + number + ".png"
                  : i < 8 ? "Q_" + number + ".png"
                          : "ab_" + number + ".png");
  }
  for (int i = 0; i < 20; ++i) {
    images.constant.push_back(images.redraw(
        [&](Image& image) { std::ranges::fill(image.pixels, static_cast<std::uint8_t>(i * 255 / 19)); }));
    images.dark.push_back(images.redraw([](Image& image) {
      for (std::uint8_t& value : image.pixels) value = value > 128 ? 1 : 0;
      image.pixels.front() = 0;
      image.pixels.back() = 1;
    }));
    if (i < 10) images.repeat(true);
    if (i < 10) images.repeat(false);
  }
  std::ranges::sort(images.constant);
  std::ranges::sort(images.dark);
  std::ranges::sort(images.same);
  std::ranges::sort(images.contradictions);
}

}  // namespace

TEST_CASE("200 faults of every kind among 20,000 images are found by name and kind, and nothing else is") {
  try {
    find_font();
  } catch (const Error& error) {
    WARN("not tested: " << error.what());
    return;
  }
  const Desk desk;
  Spoilt images(desk / "c");
  const Outcome clean = desk.run("data check --json " + (desk / "c"));
  REQUIRE(clean.code == 0);
  const auto before = nlohmann::json::parse(clean.out);
  CHECK(before["images"] == Spoilt::count);
  for (const char* list : {"constant", "only_0_and_1", "same_pixels", "same_pixels_other_label", "bad"})
    CHECK(before[list].empty());

  plant(images);
  CHECK(Spoilt::count - images.untouched() == 200);
  const Outcome checked = desk.run("data check --json " + (desk / "c"));
  CHECK(checked.code == 1);
  CHECK(checked.err.empty());
  const auto report = nlohmann::json::parse(checked.out);
  CHECK(report["images"] == Spoilt::count);
  CHECK(report["good"] == Spoilt::count - images.bad.size());
  CHECK(report["constant"].get<Names>() == images.constant);
  CHECK(report["only_0_and_1"].get<Names>() == images.dark);
  CHECK(report["duplicates"] == images.same.size() + images.contradictions.size());
  CHECK(report["same_pixels"].get<std::vector<Names>>() == images.same);
  CHECK(report["same_pixels_other_label"].get<std::vector<Names>>() == images.contradictions);
  std::map<std::string, std::string> found;
  std::map<std::string, int> kinds;
  for (const auto& entry : report["bad"]) {
    found[entry["file"]] = entry["kind"];
    ++kinds[entry["kind"]];
    CHECK_THAT(entry["reason"].get<std::string>(), Catch::StartsWith(desk / "c/"));
  }
  CHECK(report["bad"].size() == images.bad.size());
  CHECK(found == images.bad);
  CHECK(kinds == std::map<std::string, int>{{"unreadable", 10},
                                            {"not_png", 10},
                                            {"unsupported", 10},
                                            {"truncated", 30},
                                            {"crc", 30},
                                            {"damaged", 30},
                                            {"size", 10},
                                            {"label", 10}});
}

TEST_CASE("the text of data check counts constant and dark images, which are no errors, and knows CAPTCHAs") {
  const Desk desk;
  fs::create_directories(desk / "c");
  const auto image = [&](const std::string& name, std::uint8_t value, std::uint8_t corner, int channels = 1) {
    Image made{52, 32, channels, Bytes(static_cast<std::size_t>(52 * 32 * channels), value)};
    made.pixels[0] = corner;
    write_png(desk.path / "c" / name, made);
  };
  for (int i = 0; i < 6; ++i)
    image("a_" + std::to_string(i) + ".png", static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i));
  image("b_1.png", 0, 1);
  image("b_2.png", 9, 200);
  const Outcome told = desk.run("data check " + (desk / "c"));
  CHECK(told.code == 0);
  CHECK_THAT(told.out, Catch::Contains("only the values 0 and 1: 1: b_1.png\n") &&
                           Catch::Contains("constant: 6: a_0.png a_1.png a_2.png a_3.png and 2 more\n"));

  image("a_grey.png", 7, 7);
  image("a_red.png", 7, 7, 3);  // the same to a network that sees grey
  const auto grey = nlohmann::json::parse(desk.run("data check --json " + (desk / "c")).out);
  CHECK(grey["same_pixels"].get<std::vector<Names>>() == std::vector<Names>{{"a_grey.png", "a_red.png"}});

  fs::create_directories(desk / "whole");
  write_png(desk.path / "whole" / "2b827.png", Image{50, 200, 1, Bytes(50 * 200, 9)});
  CHECK_THAT(desk.run("data check " + (desk / "whole")).out, Catch::Contains("captcha prepare --captchas"));
  CHECK_THAT(told.out, !Catch::Contains("captcha prepare"));

  desk.write("c/\xFF_1.png", "no picture");  // a name that JSON cannot hold
  const Outcome odd = desk.run("data check --json " + (desk / "c"));
  CHECK(odd.code == 1);
  CHECK(nlohmann::json::parse(odd.out)["bad"][0]["file"] == "\uFFFD_1.png");
}
