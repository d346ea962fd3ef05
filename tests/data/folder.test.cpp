// Folders of PNG files: labels, classes, sizes, colours, bad files, groups, real characters.
#include <captcha/data/folder.hpp>
#include <captcha/data/split.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace captcha;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

struct Folder : TemporaryFolder {
  void image(const std::string& name, int height = 3, int width = 2, int channels = 1,
             std::uint8_t value = 51) const {
    fs::create_directories((path / name).parent_path());
    const auto samples = static_cast<std::size_t>(height * width * channels);
    write_png(path / name, {height, width, channels, std::vector<std::uint8_t>(samples, value)});
  }
  void text(const std::string& name) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name) << "no picture";
  }
  std::string content(const std::string& name) const {
    std::ifstream file(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

/// Everything under a folder, sorted.
std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.push_back(entry.path().lexically_relative(folder).generic_string());
  std::sort(names.begin(), names.end());
  return names;
}

fs::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

using Tiny = ImageFolder<chw(1, 3, 2)>;
static_assert(Dataset<Tiny> && HasTarget<Tiny> && HasClasses<Tiny> && HasName<Tiny> && HasGroup<Tiny>);

}  // namespace

TEST_CASE("labels from file names, in sorted order") {
  const Folder folder;
  folder.image("b_2.png", 3, 2, 1, 255);
  folder.image("a_9.png", 3, 2, 1, 51);
  folder.image("b_1.PNG", 3, 2, 1, 0);
  folder.image("10_x_y.png");
  folder.text("README.md");
  const Tiny data(folder.path);
  CHECK(data.classes() == std::vector<std::string>{"10", "a", "b"});
  REQUIRE(data.size() == 4);
  CHECK(data.name(1) == (folder.path / "a_9.png").string());
  std::vector<float> pixels(6);
  CHECK(data.get(1, pixels) == 1);
  for (const float value : pixels) CHECK(value == Approx(0.2f));
  CHECK(data.get(2, pixels) == 2);
  CHECK(pixels[5] == 0.0f);
  CHECK(data.get(3, pixels) == 2);
  CHECK(pixels[5] == 1.0f);
  CHECK(data.target(0) == 0);
  CHECK(data.memory_bytes() == 24);
  CHECK(data.report().empty());

  const Tiny lazy(folder.path, {.classes = {"b", "a", "10"}, .cache = false});
  CHECK(lazy.get(1, pixels) == 1);
  CHECK(pixels[0] == Approx(0.2f));
  CHECK(lazy.target(0) == 2);
  CHECK(lazy.memory_bytes() == 0);
}

TEST_CASE("labels from sub-folders") {
  const Folder folder;
  folder.image("dog/1.png");
  folder.image("cat/deep/2.png");
  folder.image("dog/0.png");
  fs::create_directories(folder.path / "dog/old.png");  // a folder like any other, here
  const Tiny data(folder.path, {.labels = Labels::sub_folder});
  CHECK(data.classes() == std::vector<std::string>{"cat", "dog"});
  REQUIRE(data.size() == 3);
  CHECK(data.target(0) == 0);
  CHECK(data.name(1) == (folder.path / "dog/0.png").string());
  CHECK_THROWS_WITH(Tiny(folder.path), Contains("no usable image"));
}

TEST_CASE("grey and RGB by the shape, whatever the file has") {
  const Folder folder;
  Image colour{3, 2, 3, {}};
  for (int i = 0; i < 6; ++i) colour.pixels.insert(colour.pixels.end(), {255, 102, 0});
  write_png(folder.path / "a_1.png", colour);
  folder.image("a_2.png", 3, 2, 1, 51);
  Image clear{3, 2, 4, std::vector<std::uint8_t>(24, 0)};
  write_png(folder.path / "a_3.png", clear);
  std::vector<float> grey(6), rgb(18);
  const Tiny greys(folder.path);
  const ImageFolder<chw(3, 3, 2)> colours(folder.path);
  greys.get(0, grey);
  CHECK(grey[3] == Approx(0.299 + 0.587 * 0.4).margin(0.003));
  colours.get(0, rgb);
  CHECK(rgb[0] == 1.0f);
  CHECK(rgb[6 + 5] == Approx(0.4f));
  CHECK(rgb[12 + 5] == 0.0f);
  colours.get(1, rgb);
  for (const float value : rgb) CHECK(value == Approx(0.2f));
  colours.get(2, rgb);
  for (const float value : rgb) CHECK(value == 1.0f);  // transparent is white
}

TEST_CASE("a wrong size is an error unless resizing is allowed") {
  const Folder folder;
  folder.image("a_1.png", 5, 4);
  CHECK_THROWS_WITH(Tiny(folder.path), Contains("a_1.png: 4 x 5 pixels (width x height), expected 2 x 3"));
  const Tiny data(folder.path, {.resize = true});
  std::vector<float> pixels(6);
  data.get(0, pixels);
  for (const float value : pixels) CHECK(value == Approx(0.2f).margin(0.003));
}

TEST_CASE("bad files fail by name, or are skipped, counted and listed") {
  const Folder folder;
  folder.image("a_1.png");
  folder.image("a_2.png", 4, 4);
  folder.image("q_3.png");
  folder.image("nolabel.png");
  folder.text("b_4.png");
  folder.text("b_5.jpg");
  folder.image("b_6.png");
  {  // one flipped bit
    std::fstream file(folder.path / "b_6.png", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(45);
    const char byte = static_cast<char>(file.get());
    file.seekp(45);
    file.put(static_cast<char>(byte ^ 1));
  }
  folder.image("b_7.png");
  for (const bool cache : {true, false}) {
    const Tiny data(folder.path, {.classes = {"a", "b"}, .cache = cache, .bad = BadFiles::skip});
    REQUIRE(data.size() == 2);
    CHECK(data.name(0) == (folder.path / "a_1.png").string());
    CHECK(data.target(1) == 1);
    std::map<std::string, std::string> reasons;
    for (const BadFile& file : data.report()) reasons[fs::path(file.name).filename().string()] = file.reason;
    REQUIRE(reasons.size() == 6);
    CHECK_THAT(reasons["a_2.png"], Contains("4 x 4") && !Contains("a_2.png"));
    CHECK_THAT(reasons["q_3.png"], Contains("label 'q' is none of the 2 classes"));
    CHECK_THAT(reasons["nolabel.png"], Contains("no label"));
    CHECK_THAT(reasons["b_4.png"], Contains("PNG"));
    CHECK_THAT(reasons["b_5.jpg"], Contains("PNG"));
    CHECK_THAT(reasons["b_6.png"], Contains("CRC"));
  }
  CHECK_THROWS_WITH(Tiny(folder.path, {.classes = {"a", "b"}}), Contains("a_2.png"));
  CHECK_THROWS_WITH(Tiny(folder.path, {.classes = {"a", "a"}}), Contains("listed twice"));
  CHECK_THROWS_WITH(Tiny(folder.path / "missing"), Contains("missing: cannot list"));
  CHECK_THROWS_WITH(Tiny(folder.path, {.classes = {"z"}, .bad = BadFiles::skip}),
                    Contains("no usable image among 8"));
}

TEST_CASE("a file damaged after listing is an error of get, when nothing is cached") {
  const Folder folder;
  folder.image("a_1.png");
  const Tiny data(folder.path, {.cache = false});
  folder.text("a_1.png");
  std::vector<float> pixels(6);
  CHECK_THROWS_WITH(data.get(0, pixels), Contains("a_1.png"));
}

TEST_CASE("bad files go to quarantine by name, and the next look at the folder finds nothing bad") {
  const Folder folder;
  const fs::path data = folder.path / "data", aside = folder.path / "data.quarantine";
  folder.image("data/a_1.png");
  folder.image("data/a_2.png", 4, 4);
  folder.image("data/q_3.png");
  folder.text("data/b_4.png");
  fs::create_symlink("nothing", data / "b_5.png");
  REQUIRE(::mkfifo((data / "b_6.png").c_str(), 0600) == 0);
  fs::create_directories(data / "b_7.png" / "deep");
  fs::create_directories(data / "b_8");
  const std::string picture = folder.content("data/a_2.png");
  const FolderOptions options{.classes = {"a", "b"}, .bad = BadFiles::quarantine};

  // A slash at the end or a dot changes nothing about where they go.
  const Tiny first(data / "." / "", options);
  CHECK(first.size() == 1);
  std::map<std::string, std::string> reasons;
  for (const BadFile& file : first.report()) reasons[fs::path(file.name).filename().string()] = file.reason;
  REQUIRE(reasons.size() == 6);
  for (const auto& [name, reason] : reasons)
    CHECK_THAT(reason, EndsWith("; moved to " + (aside / name).string()));
  CHECK_THAT(reasons["a_2.png"], StartsWith("4 x 4 pixels"));
  CHECK_THAT(reasons["q_3.png"], StartsWith("label 'q' is none of the 2 classes"));
  CHECK_THAT(reasons["b_5.png"], StartsWith("cannot be opened"));
  CHECK_THAT(reasons["b_6.png"], StartsWith("not a regular file"));
  CHECK_THAT(reasons["b_7.png"], StartsWith("not a regular file"));
  CHECK(files_in(data) == std::vector<std::string>{"a_1.png", "b_8"});
  CHECK(files_in(aside) == std::vector<std::string>{"a_2.png", "b_4.png", "b_5.png", "b_6.png", "b_7.png",
                                                    "b_7.png/deep", "q_3.png"});
  CHECK(folder.content("data.quarantine/a_2.png") == picture);
  CHECK(fs::read_symlink(aside / "b_5.png") == "nothing");

  const Tiny second(data, options);
  CHECK(second.size() == 1);
  CHECK(second.report().empty());
  CHECK(files_in(aside).size() == 7);
}

TEST_CASE("a name that is taken in quarantine is not taken away") {
  const Folder folder;
  const FolderOptions options{.classes = {"a"}, .bad = BadFiles::quarantine};
  folder.image("data/a_1.png");
  const auto spoil = [&](const std::string& text) {
    std::ofstream(folder.path / "data/a_2.png") << text;
    const Tiny data(folder.path / "data", options);
    REQUIRE(data.report().size() == 1);
    return data.report()[0].reason;
  };
  CHECK_THAT(spoil("first"), EndsWith("data.quarantine/a_2.png"));
  CHECK_THAT(spoil("second"), EndsWith("data.quarantine/a_2.png.2"));
  fs::create_symlink("nothing", folder.path / "data.quarantine/a_2.png.3");  // takes a name too
  CHECK_THAT(spoil("third"), EndsWith("data.quarantine/a_2.png.4"));
  CHECK(files_in(folder.path / "data.quarantine").size() == 4);
  CHECK(folder.content("data.quarantine/a_2.png") == "first");
  CHECK(folder.content("data.quarantine/a_2.png.2") == "second");
  CHECK(fs::is_symlink(folder.path / "data.quarantine/a_2.png.3"));
  CHECK(folder.content("data.quarantine/a_2.png.4") == "third");
}

TEST_CASE("files of sub-folders keep them in quarantine") {
  const Folder folder;
  folder.image("data/dog/1.png");
  folder.text("data/dog/2.png");
  folder.text("data/cat/deep/2.png");
  folder.image("data/3.png");
  const Tiny data(folder.path / "data",
                  {.labels = Labels::sub_folder, .cache = false, .bad = BadFiles::quarantine});
  CHECK(data.size() == 1);
  CHECK(data.report().size() == 3);
  CHECK(files_in(folder.path / "data.quarantine") ==
        std::vector<std::string>{"3.png", "cat", "cat/deep", "cat/deep/2.png", "dog", "dog/2.png"});
  CHECK(files_in(folder.path / "data") == std::vector<std::string>{"cat", "cat/deep", "dog", "dog/1.png"});
}

TEST_CASE("what cannot be put in quarantine is an error, and every file stays where it was") {
  const Folder folder;
  const auto options = [](Labels labels) {
    return FolderOptions{.labels = labels, .classes = {"a", "b"}, .bad = BadFiles::quarantine};
  };
  folder.image("data/a_1.png");
  folder.text("data/a_2.png");
  folder.text("data/b_3.png");
  folder.text("data.quarantine");  // a file in the folder's place
  const std::vector<std::string> before = files_in(folder.path);
  CHECK_THROWS_WITH(Tiny(folder.path / "data", options(Labels::file_name)),
                    StartsWith((folder.path / "data/a_2.png").string() + ": cannot be moved to ") &&
                        Contains("data.quarantine/a_2.png: ") && EndsWith("files moved before it: 0"));
  CHECK(files_in(folder.path) == before);

  // The folder of one file can be made, that of another cannot: neither is moved.
  folder.image("pets/a/1.png");
  folder.text("pets/a/2.png");
  folder.text("pets/b/2.png");
  fs::create_directories(folder.path / "pets.quarantine/a");
  folder.text("pets.quarantine/b");
  const std::vector<std::string> pets = files_in(folder.path);
  CHECK_THROWS_WITH(Tiny(folder.path / "pets", options(Labels::sub_folder)),
                    StartsWith((folder.path / "pets/b/2.png").string() + ": cannot be moved to "));
  CHECK(files_in(folder.path) == pets);

  // A folder in which nothing can be used is more likely the wrong one than full of bad files.
  folder.text("photos/a_1.png");
  folder.text("photos/a_2.png");
  const std::vector<std::string> photos = files_in(folder.path);
  CHECK_THROWS_WITH(Tiny(folder.path / "photos", options(Labels::file_name)),
                    Contains("no usable image among 2 files"));
  CHECK(files_in(folder.path) == photos);
}

TEST_CASE("two programs that move files at once into one quarantine lose none") {
  const Folder folder;
  constexpr int rounds = 200;
  for (const char* which : {"one", "two"}) fs::create_directories(folder.path / which / "data");
  // Both folders reach the same quarantine, through a link.
  fs::create_directories(folder.path / "one/data.quarantine");
  fs::create_directory_symlink(folder.path / "one/data.quarantine", folder.path / "two/data.quarantine");
  std::vector<std::string> names;
  for (int i = 0; i < rounds; ++i) {
    names.push_back("a_" + std::to_string(i) + ".png");
    for (const char* which : {"one", "two"})
      std::ofstream(folder.path / which / "data" / names.back()) << which << i;
  }
  std::thread other([&] { quarantine(folder.path / "two/data", names); });
  quarantine(folder.path / "one/data", names);
  other.join();
  std::set<std::string> contents;
  for (const std::string& name : files_in(folder.path / "one/data.quarantine"))
    contents.insert(folder.content("one/data.quarantine/" + name));
  CHECK(contents.size() == 2 * rounds);
}

TEST_CASE("a link that leads round in a circle is a bad file, not a reason to give up") {
  const Folder folder;
  folder.image("a_1.png");
  fs::create_symlink("a_2.png", folder.path / "a_2.png");
  const Tiny data(folder.path, {.bad = BadFiles::skip});
  CHECK(data.size() == 1);
  REQUIRE(data.report().size() == 1);
  CHECK_THAT(data.report()[0].name, EndsWith("a_2.png"));
}

TEST_CASE("an error of one file says of which kind it is") {
  const Folder folder;
  const auto fault = [&](const std::string& name) {
    try {
      Tiny(folder.path / name, {.classes = {"a"}});
    } catch (const ImageError& error) {
      return std::string(to_string(error.fault));
    }
    return std::string();
  };
  folder.image("size/a_1.png", 4, 4);
  folder.image("label/b_1.png");
  folder.image("nolabel/x.png");
  folder.text("text/a_1.png");
  fs::create_directories(folder.path / "link");
  fs::create_symlink("nothing", folder.path / "link/a_1.png");
  CHECK(fault("size") == "size");
  CHECK(fault("label") == "label");
  CHECK(fault("nolabel") == "label");
  CHECK(fault("text") == "not_png");
  CHECK(fault("link") == "unreadable");
}

TEST_CASE("another decoder may be given") {
  const Folder folder;
  folder.text("a_1.jpg");
  const Tiny data(folder.path, {.read = [](const fs::path&) {
                    return Image{3, 2, 1, {0, 0, 0, 255, 0, 0}};
                  }});
  std::vector<float> pixels(6);
  data.get(0, pixels);
  CHECK(pixels[3] == 1.0f);
}

TEST_CASE("the group is the source before the dash, else the file") {
  const Folder folder;
  for (const char* name : {"a_2b827-1.png", "a_2b827-2.png", "b_2b827-1.png", "b_77.png", "a_77.png"})
    folder.image(name);
  const Tiny data(folder.path);
  std::map<std::string, int> groups;
  for (std::size_t i = 0; i < data.size(); ++i) ++groups[data.group(i)];
  CHECK(groups == std::map<std::string, int>{{"2b827", 3}, {"a_77.png", 1}, {"b_77.png", 1}});

  // In folders of classes the same names are used again and again.
  const Folder classes;
  for (const char* name : {"cat/image-1.png", "cat/image-2.png", "dog/image-1.png"}) classes.image(name);
  const Tiny animals(classes.path, {.labels = Labels::sub_folder});
  std::set<std::string> own;
  for (std::size_t i = 0; i < animals.size(); ++i) own.insert(animals.group(i));
  CHECK(own.size() == 3);
}

TEST_CASE("the real characters") {
  const fs::path folder = shared_folder() / "data" / "captcha_characters";
  if (!fs::exists(folder)) {
    WARN("no captcha_characters (set CAPTCHA_SHARED): skipped");
    return;
  }
  const ImageFolder<chw(1, 52, 32)> data(folder);
  WARN("captcha_characters: " << data.size() << " images");
  CHECK(data.size() == 350);
  CHECK(data.memory_bytes() == 350 * 52 * 32);
  std::string classes;
  for (const std::string& name : data.classes()) classes += name;
  CHECK(classes == "2345678abcdefgmnpwxy");
  const ImageFolder<chw(1, 52, 32)> lazy(folder, {.cache = false});
  std::vector<float> one(52 * 32), two(52 * 32);
  for (std::size_t i = 0; i < data.size(); ++i) {
    CHECK(data.get(i, one) == lazy.get(i, two));
    REQUIRE(one == two);
    REQUIRE(fs::path(data.name(i)).filename().string().substr(0, 1) ==
            data.classes()[static_cast<std::size_t>(data.target(i))]);
  }
}

TEST_CASE("whole CAPTCHAs: transparent PNG is read, JPEG is named and counted") {
  const fs::path folder = shared_folder() / "data";
  if (!fs::exists(folder / "captcha_v2")) {
    WARN("no captcha_v2 (set CAPTCHA_SHARED): skipped");
    return;
  }
  const ImageFolder<chw(1, 50, 200)> data(
      folder,
      {.labels = Labels::sub_folder, .classes = {"captcha_v2"}, .cache = false, .bad = BadFiles::skip});
  std::size_t jpegs = 0;
  for (const BadFile& file : data.report()) {
    if (file.name.find("captcha_v2") == std::string::npos) continue;  // of a class that was not asked for
    ++jpegs;
    CHECK_THAT(file.reason, Contains("JPEG"));
  }
  WARN("captcha_v2: " << data.size() << " PNG, " << jpegs << " JPEG");
  CHECK(data.size() == 936);
  CHECK(jpegs == 27);
}
