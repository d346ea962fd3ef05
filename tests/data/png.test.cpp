// PNG files: exact round trips, every kind of picture, and no damaged or hostile file gets through.
#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/jpeg.hpp>
#include <captcha/data/png.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace captcha;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

Image noise(int height, int width, int channels, std::uint64_t seed) {
  Random random(seed);
  Image image{height, width, channels, Bytes(static_cast<std::size_t>(height * width * channels))};
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
  return image;
}

bool same(const Image& a, const Image& b) {
  return a.height == b.height && a.width == b.width && a.channels == b.channels && a.pixels == b.pixels;
}

std::string message(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
std::string refusal(const Bytes& bytes) {
  return message([&] { decode_png(bytes, "x.png"); });
}
bool refused_because(const Bytes& bytes, std::string_view reason) {
  const std::string why = refusal(bytes);
  INFO(why);
  return why.starts_with("x.png: ") && why.find(reason) != std::string::npos;
}

// PNG files from parts, so that each rule can be broken with right checksums.
void number(Bytes& out, std::size_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
Bytes chunk(std::string_view type, const Bytes& data) {
  Bytes out;
  number(out, data.size());
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  number(out, ::crc32_z(0, out.data() + 4, out.size() - 4));
  return out;
}
Bytes join(const std::vector<Bytes>& parts) {
  Bytes all{137, 80, 78, 71, 13, 10, 26, 10};
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Bytes header(std::size_t width, std::size_t height, int depth, int colour, int interlace = 0) {
  Bytes data;
  number(data, width);
  number(data, height);
  for (const int value : {depth, colour, 0, 0, interlace}) data.push_back(static_cast<std::uint8_t>(value));
  return chunk("IHDR", data);
}
/// A zlib stream of one stored block.
Bytes stored(const Bytes& rows) {
  Bytes out{0x78,
            0x01,
            1,
            static_cast<std::uint8_t>(rows.size()),
            static_cast<std::uint8_t>(rows.size() >> 8),
            static_cast<std::uint8_t>(~rows.size()),
            static_cast<std::uint8_t>(~rows.size() >> 8)};
  out.insert(out.end(), rows.begin(), rows.end());
  number(out, ::adler32_z(1, rows.data(), rows.size()));
  return out;
}
const Bytes end = chunk("IEND", {});
const Bytes two_grey{0, 10, 20};  // the only row of a grey 2 x 1 picture, unfiltered
/// Where the seven passes of an interlaced picture begin, and their steps: x, y, step x, step y.
const std::vector<std::array<int, 4>> adam7{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                            {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

/// A picture of random samples, each row with any of the five filters, in as many IDAT chunks as asked for.
Bytes picture(Random& random, int colour, int depth, bool interlaced, std::size_t chunks) {
  const int height = 1 + static_cast<int>(random.below(24)), width = 1 + static_cast<int>(random.below(24));
  const int samples = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
  Bytes rows;
  for (const auto& [x, y, step_x, step_y] :
       interlaced ? adam7 : std::vector<std::array<int, 4>>{{0, 0, 1, 1}})
    for (int row = y; row < height && x < width; row += step_y) {
      const int columns = (width - x + step_x - 1) / step_x;
      rows.push_back(static_cast<std::uint8_t>(random.below(5)));
      // Flat rows too, so that the streams hold matches.
      const bool flat = random.coin();
      const auto value = static_cast<std::uint8_t>(random.below(256));
      for (int i = 0; i < (columns * samples * depth + 7) / 8; ++i)
        rows.push_back(flat ? value : static_cast<std::uint8_t>(random.below(256)));
    }
  ::uLongf size = ::compressBound(rows.size());
  Bytes stream(size);
  REQUIRE(::compress2(stream.data(), &size, rows.data(), rows.size(), random.coin() ? 9 : 0) == Z_OK);
  stream.resize(size);
  std::vector<Bytes> parts{
      header(static_cast<std::size_t>(width), static_cast<std::size_t>(height), depth, colour, interlaced)};
  if (random.coin()) parts.push_back(chunk("tEXt", {'a', 0, 'b'}));
  if (colour == 3) {
    Bytes colours(std::size_t{3} << depth);  // one for every index
    for (std::uint8_t& part : colours) part = static_cast<std::uint8_t>(random.below(256));
    parts.push_back(chunk("PLTE", colours));
  }
  if (colour == 3 && random.coin()) parts.push_back(chunk("tRNS", {0, 100}));
  if (colour == 0 && random.coin()) parts.push_back(chunk("tRNS", {0, 1}));
  for (std::size_t i = 0; i < chunks; ++i)
    parts.push_back(
        chunk("IDAT", Bytes(stream.begin() + std::ssize(stream) * static_cast<std::ptrdiff_t>(i) /
                                                 static_cast<std::ptrdiff_t>(chunks),
                            stream.begin() + std::ssize(stream) * static_cast<std::ptrdiff_t>(i + 1) /
                                                 static_cast<std::ptrdiff_t>(chunks))));
  parts.push_back(end);
  return join(parts);
}

Bytes read_bytes(const std::filesystem::path& path) {
  return read_image_file(path);
}

long peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

TEST_CASE("an image survives encoding and decoding exactly") {
  std::uint64_t seed = 0;
  for (const int channels : {1, 2, 3, 4})
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 17}, {52, 32}, {50, 200}, {512, 512}}) {
      const Image image = noise(height, width, channels, ++seed);
      const Bytes bytes = encode_png(image);
      CHECK(same(decode_png(bytes, "x.png"), image));
      CHECK(encode_png(image) == bytes);
    }
  Image flat{300, 400, 3, Bytes(300 * 400 * 3, 77)};
  CHECK(same(decode_png(encode_png(flat), "x.png"), flat));
}

TEST_CASE("an image that cannot be a PNG is not encoded") {
  for (const Image& image : {Image{0, 4, 1, {}}, Image{4, 16385, 1, Bytes(4 * 16385)},
                             Image{2, 2, 5, Bytes(20)}, Image{2, 2, 1, Bytes(3)}, Image{-2, -2, 1, Bytes(4)}})
    CHECK_THROWS_AS(encode_png(image), Error);
}

TEST_CASE("fewer bits per sample are scaled to 0..255") {
  CHECK(decode_png(join({header(3, 1, 1, 0), chunk("IDAT", stored({0, 0b101'00000})), end}), "x").pixels ==
        Bytes{255, 0, 255});
  CHECK(decode_png(join({header(4, 1, 2, 0), chunk("IDAT", stored({0, 0b00'01'10'11})), end}), "x").pixels ==
        Bytes{0, 85, 170, 255});
  CHECK(decode_png(join({header(3, 1, 4, 0), chunk("IDAT", stored({0, 0x0F, 0x80})), end}), "x").pixels ==
        Bytes{0, 255, 136});
}

TEST_CASE("a palette gives its colours, its alpha, and no colour it does not have") {
  const Bytes colours = chunk("PLTE", {1, 2, 3, 40, 50, 60, 7, 8, 9});
  for (const auto& [depth, row] :
       {std::pair{8, Bytes{0, 2, 0}}, {4, Bytes{0, 0x20}}, {2, Bytes{0, 0b1000'0000}}}) {
    const Image image =
        decode_png(join({header(2, 1, depth, 3), colours, chunk("IDAT", stored(row)), end}), "x");
    CHECK(image.channels == 3);
    CHECK(image.pixels == Bytes{7, 8, 9, 1, 2, 3});
  }
  const Image seen = decode_png(
      join({header(2, 1, 8, 3), colours, chunk("tRNS", {128}), chunk("IDAT", stored({0, 0, 1})), end}), "x");
  CHECK(seen.channels == 4);
  CHECK(seen.pixels == Bytes{1, 2, 3, 128, 40, 50, 60, 255});
  CHECK(refused_because(join({header(2, 1, 8, 3), colours, chunk("IDAT", stored({0, 0, 3})), end}),
                        "a pixel has colour 3, but the palette has only 3"));
  CHECK(refused_because(join({header(2, 1, 8, 3), chunk("IDAT", stored({0, 0, 3})), end}), "palette"));
}

TEST_CASE("one transparent colour becomes an alpha channel") {
  const Image grey = decode_png(
      join({header(2, 1, 8, 0), chunk("tRNS", {0, 20}), chunk("IDAT", stored(two_grey)), end}), "x");
  CHECK(grey.channels == 2);
  CHECK(grey.pixels == Bytes{10, 255, 20, 0});
  const Image rgb = decode_png(join({header(2, 1, 8, 2), chunk("tRNS", {0, 1, 0, 2, 0, 3}),
                                     chunk("IDAT", stored({0, 1, 2, 3, 1, 2, 4})), end}),
                               "x");
  CHECK(rgb.channels == 4);
  CHECK(rgb.pixels == Bytes{1, 2, 3, 0, 1, 2, 4, 255});
}

TEST_CASE("interlaced pictures equal plain ones, at every size from 1 to 9") {
  for (int height = 1; height <= 9; ++height)
    for (int width = 1; width <= 9; ++width) {
      const Image image = noise(height, width, 3, static_cast<std::uint64_t>(height * 16 + width));
      Bytes rows;
      for (const auto& [x, y, step_x, step_y] : adam7)
        for (int row = y; row < height && x < width; row += step_y) {
          rows.push_back(0);
          for (int column = x; column < width; column += step_x)
            for (int channel = 0; channel < 3; ++channel) rows.push_back(image.at(row, column, channel));
        }
      const Bytes bytes =
          join({header(static_cast<std::size_t>(width), static_cast<std::size_t>(height), 8, 2, 1),
                chunk("IDAT", stored(rows)), end});
      REQUIRE(same(decode_png(bytes, "x.png"), image));
      rows.pop_back();
      REQUIRE(
          refusal(join({header(static_cast<std::size_t>(width), static_cast<std::size_t>(height), 8, 2, 1),
                        chunk("IDAT", stored(rows)), end})) != "");
    }
}

TEST_CASE("pixels may be spread over chunks, and text may stand between them and the header") {
  const Bytes stream = stored(two_grey);
  const Bytes first(stream.begin(), stream.begin() + 5), second(stream.begin() + 5, stream.end());
  const Bytes text = chunk("tEXt", {'h', 'i'});
  CHECK(decode_png(join({header(2, 1, 8, 0), text, chunk("IDAT", first), chunk("IDAT", {}),
                         chunk("IDAT", second), end}),
                   "x")
            .pixels == Bytes{10, 20});
  CHECK(refused_because(join({header(2, 1, 8, 0), chunk("IDAT", first), text, chunk("IDAT", second), end}),
                        "apart"));
}

TEST_CASE("every broken rule is named") {
  const Bytes pixels = chunk("IDAT", stored(two_grey)), start = header(2, 1, 8, 0);
  const Bytes good = join({start, pixels, end});
  REQUIRE(refusal(good) == "");
  Bytes longer = good;
  longer.push_back(0);
  CHECK(refused_because(longer, "end of the file"));
  CHECK(refused_because({}, "not a PNG"));
  CHECK(refused_because({0xFF, 0xD8, 0xFF, 0xE0}, "a JPEG"));
  CHECK(refused_because(Bytes(max_image_file + 1), "expected at most"));
  CHECK(refused_because(join({pixels, start, end}), "IHDR must be the first"));
  CHECK(refused_because(join({start, start, pixels, end}), "IHDR must be the first"));
  CHECK(refused_because(join({chunk("CgBI", {0, 0, 0, 2}), start, pixels, end}), "IHDR must be the first"));
  CHECK(refused_because(join({start, chunk("CgBI", {0, 0, 0, 2}), pixels, end}), "must not skip"));
  CHECK(refused_because(join({start, chunk("tE?t", {}), pixels, end}), "four letters"));
  CHECK(refused_because(join({start, chunk("PLTE", {1, 2, 3}), pixels, end}), "out of place"));
  CHECK(refused_because(join({start, pixels, chunk("tRNS", {0, 1}), end}), "out of place"));
  CHECK(refused_because(join({start, chunk("tRNS", {0}), pixels, end}), "wrong length"));
  CHECK(refused_because(join({start, end}), "before any pixels"));
  CHECK(refused_because(join({start, pixels, chunk("IEND", {1})}), "not empty"));
  CHECK(refused_because(join({start, pixels}), "cut short"));
  CHECK(refused_because(join({header(2, 1, 16, 0), pixels, end}), "16 bits per sample"));
  CHECK(refused_because(join({header(2, 1, 4, 2), pixels, end}), "colour type"));
  CHECK(refused_because(join({header(2, 1, 8, 5), pixels, end}), "colour type"));
  CHECK(refused_because(join({header(2, 1, 8, 0, 2), pixels, end}), "interlace"));
  CHECK(refused_because(join({header(0, 1, 8, 0), pixels, end}), "expected 1 to 512"));
  CHECK(refused_because(join({header(513, 1, 8, 0), pixels, end}), "513 x 1 pixels"));
}

TEST_CASE("a zlib stream counts only if its length and its checksum are right") {
  const auto with = [](const Bytes& stream) {
    return join({header(2, 1, 8, 0), chunk("IDAT", stream), end});
  };
  CHECK(refused_because(with(stored({0, 10})), "compressed pixels are broken"));
  CHECK(refused_because(with(stored({0, 10, 20, 30})), "compressed pixels are broken"));
  Bytes other = stored(two_grey);
  other[8] ^= 1;  // a pixel, while the Adler-32 stays
  CHECK(refused_because(with(other), "compressed pixels are broken"));
  Bytes padded = stored(two_grey);
  padded.push_back(0);
  CHECK(refused_because(with(padded), "compressed pixels are broken"));
  CHECK(refused_because(with({0x78, 0x01}), "compressed pixels are broken"));
  CHECK(refused_because(with({1}), "compressed pixels are broken"));
  CHECK(refused_because(with(stored({9, 10, 20})), "filter"));
}

TEST_CASE("bombs are refused before they take memory") {
  const long before = peak_megabytes();
  const Bytes pixels = chunk("IDAT", stored(two_grey));
  for (const auto& [width, height] :
       {std::pair<std::size_t, std::size_t>{16777216, 128}, {65535, 65535}, {2147483647, 1}})
    CHECK(refused_because(join({header(width, height, 8, 0), pixels, end}), "expected 1 to 512"));
  // 1 MiB of zeros in a stream for two pixels, from an encoder whose matches are real.
  const Bytes large = encode_png({512, 512, 4, Bytes(512 * 512 * 4)});
  const std::span<const std::uint8_t> body(large);
  const std::size_t length = big_endian32(body.subspan(33));
  const Bytes stream(large.begin() + 41, large.begin() + 41 + static_cast<std::ptrdiff_t>(length));
  CHECK(refused_because(join({header(2, 1, 8, 0), chunk("IDAT", stream), end}),
                        "compressed pixels are broken"));
  CHECK(peak_megabytes() - before < 64);
}

TEST_CASE("no flipped bit and no cut of a picture is let through") {
  for (const Bytes& good :
       {encode_png(noise(5, 7, 1, 1)), encode_png(Image{9, 8, 4, Bytes(9 * 8 * 4, 200)}),
        join({header(2, 1, 8, 3), chunk("PLTE", {1, 2, 3, 4, 5, 6}), chunk("tRNS", {9}),
              chunk("tIME", {1, 2, 3, 4, 5, 6, 7}), chunk("IDAT", stored({0, 1, 0})), end})}) {
    REQUIRE(refusal(good) == "");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      INFO("bit " << bit);
      REQUIRE(refusal(bad).starts_with("x.png: "));
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      REQUIRE(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)))
                  .starts_with("x.png: "));
  }
}

TEST_CASE("of 200,000 flipped bits in pictures of every kind none gives other pixels") {
  struct Kind {
    int colour, depth;
  };
  std::vector<Kind> kinds{{2, 8}, {4, 8}, {6, 8}};
  for (const int depth : {1, 2, 4, 8}) kinds.insert(kinds.end(), {{0, depth}, {3, depth}});
  Random random(13);
  std::vector<Bytes> pictures;
  for (const Kind& kind : kinds)
    for (const bool interlaced : {false, true})
      for (const std::size_t chunks : {1u, 3u})
        for (int copy = 0; copy < 2; ++copy)
          pictures.push_back(picture(random, kind.colour, kind.depth, interlaced, chunks));
  constexpr std::size_t flips = 200'000;
  std::size_t refused = 0, same_pixels = 0, other_pixels = 0;
  for (std::size_t flip = 0; flip < flips; ++flip) {
    Bytes& file = pictures[flip % pictures.size()];
    const Image image = decode_png(file, "x.png");
    const std::size_t bit = random.below(static_cast<std::uint32_t>(8 * file.size()));
    file[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    try {
      ++(same(decode_png(file, "x.png"), image) ? same_pixels : other_pixels);
    } catch (const ImageError& error) {
      REQUIRE(std::string_view(error.what()).starts_with("x.png: "));
      ++refused;
    }
    file[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
  }
  WARN(pictures.size() << " pictures, " << flips << " flips: " << refused << " refused, " << same_pixels
                       << " with the same pixels, " << other_pixels << " with others");
  CHECK(other_pixels == 0);
  CHECK(refused + same_pixels == flips);
}

TEST_CASE("20,000 random changes with right chunk checksums never crash, and wrong streams never pass") {
  // The gate's checksums are made right again after each change, so that what lies behind it is tested too.
  Random random(5);
  const Image image = noise(6, 9, 3, 3);
  const Bytes good = encode_png(image);
  const std::size_t length = big_endian32(std::span(good).subspan(33));
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes stream(good.begin() + 41, good.begin() + 41 + static_cast<std::ptrdiff_t>(length));
    for (std::uint32_t change = 0; change <= random.below(3); ++change)
      stream[random.below(static_cast<std::uint32_t>(stream.size()))] ^=
          static_cast<std::uint8_t>(1u << random.below(8));
    const Bytes bad = join({header(9, 6, 8, 2), chunk("IDAT", stream), end});
    Image accepted = image;
    const std::string why = message([&] { accepted = decode_png(bad, "x.png"); });
    REQUIRE(same(accepted, image));
    refused += why.empty() ? 0 : 1;
  }
  CHECK(refused > 19000);
}

TEST_CASE("files: what cannot be read or written is named, and nothing half-written stays") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path / "a.png";
  const Image image = noise(52, 32, 1, 8);
  write_png(file, image);
  CHECK(same(read_png(file), image));
  CHECK(message([&] { read_png(folder.path / "none.png"); }).find("none.png") != std::string::npos);
  CHECK(message([&] { read_png(folder.path); }).find("not a regular file") != std::string::npos);
  CHECK(message([&] { write_png(folder.path / "none" / "b.png", image); }).find("b.png: cannot be written") !=
        std::string::npos);
  std::filesystem::create_directory(folder.path / "taken.png");
  CHECK(message([&] { write_png(folder.path / "taken.png", image); }).find("cannot be written") !=
        std::string::npos);
  std::ofstream(folder.path / "big.png").seekp(static_cast<std::streamoff>(max_image_file) + 1).put('x');
  CHECK(message([&] { read_png(folder.path / "big.png"); }).find("big.png: 4194306 bytes") !=
        std::string::npos);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 3);
}

TEST_CASE("grey is the luma of BT.601, over white where it is transparent") {
  CHECK(to_grey({1, 3, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255}}).pixels == Bytes{76, 150, 29});
  CHECK(to_grey({1, 2, 1, {3, 250}}).pixels == Bytes{3, 250});
  CHECK(to_grey({1, 3, 2, {0, 255, 0, 0, 0, 128}}).pixels == Bytes{0, 255, 127});
  CHECK(to_grey({1, 2, 4, {10, 20, 30, 0, 9, 9, 9, 255}}).pixels == Bytes{255, 9});
  CHECK(to_grey(noise(50, 200, 4, 2)).pixels.size() == 50 * 200);
}

TEST_CASE("resizing keeps what it can: size, flat areas, means, ramps") {
  const Image image = noise(13, 21, 3, 4);
  CHECK(same(resize(image, 13, 21), image));
  const Image flat{7, 9, 2, Bytes(7 * 9 * 2, 99)};
  for (const auto& [height, width] : {std::pair{1, 1}, {3, 20}, {50, 2}}) {
    const Image other = resize(flat, height, width);
    CHECK(other.pixels == Bytes(static_cast<std::size_t>(height * width * 2), 99));
  }
  CHECK(resize({1, 2, 1, {0, 100}}, 1, 4).pixels == Bytes{0, 25, 75, 100});
  CHECK(resize({1, 4, 1, {0, 0, 255, 255}}, 1, 2).pixels == Bytes{36, 219});
  double sum = 0, small_sum = 0;
  const Image wide = noise(64, 64, 1, 6), small = resize(wide, 8, 8);
  for (const std::uint8_t value : wide.pixels) sum += value / 4096.0;
  for (const std::uint8_t value : small.pixels) small_sum += value / 64.0;
  CHECK(small_sum == Approx(sum).margin(3));
  CHECK_THROWS_AS(resize(image, 0, 5), Error);
}

TEST_CASE("real pictures decode, and real JPEGs are refused by name unless asked for") {
  const std::filesystem::path data = shared_folder() / "data";
  int characters = 0, words = 0, jpegs = 0;
  if (!std::filesystem::is_directory(data / "captcha_characters")) {
    WARN("no captcha_characters and captcha_v2 (set CAPTCHA_SHARED): skipped");
    return;
  }
  Random random(9);
  for (const auto& entry : std::filesystem::directory_iterator(data / "captcha_characters")) {
    const Bytes bytes = read_bytes(entry.path());
    const Image image = decode_png(bytes, "x.png");
    REQUIRE((image.height == 52 && image.width == 32 && image.channels == 1));
    REQUIRE(same(decode_png(encode_png(image), "x"), image));
    for (int round = 0; round < 60; ++round) {
      Bytes bad = bytes;
      bad[random.below(static_cast<std::uint32_t>(bytes.size()))] ^=
          static_cast<std::uint8_t>(1u << random.below(8));
      REQUIRE(refusal(bad).starts_with("x.png: "));
    }
    ++characters;
  }
  for (const auto& entry : std::filesystem::directory_iterator(data / "captcha_v2")) {
    if (entry.path().extension() == ".jpg") {
      const std::string why = message([&] { read_png(entry.path()); });
      REQUIRE(why.starts_with(entry.path().string() + ": a JPEG, expected a PNG"));
      const Image image = read_jpeg(entry.path());
      REQUIRE((image.height == 50 && image.width == 200 && image.channels == 3));
      const Bytes bytes = read_bytes(entry.path());
      REQUIRE_THROWS_AS(decode_jpeg(std::span(bytes).first(bytes.size() / 2), "half.jpg"), Error);
      ++jpegs;
    } else {
      const Image image = read_png(entry.path());
      REQUIRE((image.height == 50 && image.width == 200 && image.channels == 4));
      ++words;
    }
  }
  REQUIRE_THROWS_AS(decode_jpeg(encode_png(noise(4, 4, 1, 1)), "x.jpg"), Error);
  WARN("real data: " << characters << " characters, " << words << " words, " << jpegs << " JPEGs");
  CHECK((characters > 0 && words > 0 && jpegs > 0));
}
