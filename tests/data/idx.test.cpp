// IDX files: every type, plain and compressed, real MNIST, and files that lie about themselves.
#include <captcha/core/error.hpp>
#include <captcha/data/idx.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
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

struct Folder : TemporaryFolder {
  std::filesystem::path file = path / "a.idx";

  void plain(const Bytes& bytes) const {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  Bytes compressed(const Bytes& bytes) const {
    const gzFile out = gzopen(file.c_str(), "wb");
    REQUIRE(gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())) ==
            static_cast<int>(bytes.size()));
    REQUIRE(gzclose(out) == Z_OK);
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <class T = std::uint8_t>
  std::string refusal() const {
    try {
      read_idx<T>(file);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  bool refused_because(std::string_view reason) const {
    const std::string why = refusal();
    INFO(why);
    return why.starts_with(file.string() + ": ") && why.find(reason) != std::string::npos;
  }
};

const Bytes two_by_three{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("an IDX file is read, plain or compressed") {
  const Folder folder;
  for (const bool compressed : {false, true}) {
    compressed ? void(folder.compressed(two_by_three)) : folder.plain(two_by_three);
    const IdxArray<std::uint8_t> array = read_idx(folder.file);
    CHECK(array.shape == std::vector<std::size_t>{2, 3});
    CHECK(array.values == Bytes{1, 2, 3, 4, 5, 6});
  }
}

TEST_CASE("every IDX type is read, big-endian, and no other in its place") {
  const Folder folder;
  folder.plain({0, 0, 0x09, 1, 0, 0, 0, 2, 0xFF, 5});
  CHECK(read_idx<std::int8_t>(folder.file).values == std::vector<std::int8_t>{-1, 5});
  CHECK(folder.refused_because("IDX type 9, expected type 8"));
  folder.plain({0, 0, 0x0B, 1, 0, 0, 0, 2, 0x01, 0x02, 0xFF, 0xFE});
  CHECK(read_idx<std::int16_t>(folder.file).values == std::vector<std::int16_t>{258, -2});
  folder.plain({0, 0, 0x0C, 1, 0, 0, 0, 1, 0x01, 0x02, 0x03, 0x04});
  CHECK(read_idx<std::int32_t>(folder.file).values == std::vector<std::int32_t>{0x01020304});
  folder.plain({0, 0, 0x0D, 1, 0, 0, 0, 1, 0xC0, 0x20, 0, 0});
  CHECK(read_idx<float>(folder.file).values == std::vector<float>{-2.5f});
  folder.plain({0, 0, 0x0E, 1, 0, 0, 0, 1, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0});
  CHECK(read_idx<double>(folder.file).values == std::vector<double>{1.5});
  folder.plain({0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 9});
  CHECK(read_idx(folder.file).shape == std::vector<std::size_t>{0, 9});
}

TEST_CASE("an IDX file that is cut, too long or lies about its size is refused") {
  const Folder folder;
  for (std::size_t size = 0; size < two_by_three.size(); ++size) {
    folder.plain(Bytes(two_by_three.begin(), two_by_three.begin() + static_cast<std::ptrdiff_t>(size)));
    REQUIRE(folder.refused_because(""));
  }
  Bytes longer = two_by_three;
  longer.push_back(0);
  folder.plain(longer);
  CHECK(folder.refused_because("longer than its header says"));
  folder.compressed(longer);
  CHECK(folder.refused_because("longer than its header says"));
  folder.plain({0, 0, 8, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
  CHECK(folder.refused_because("claims more values than the file can hold"));
  folder.compressed({0, 0, 8, 2, 0, 0x10, 0, 0, 0, 0x10, 0, 0});
  CHECK(folder.refused_because("claims more values than the file can hold"));
  folder.plain({1, 0, 8, 1, 0, 0, 0, 1, 5});
  CHECK(folder.refused_because("not an IDX file"));
  std::filesystem::remove(folder.file);
  CHECK(folder.refused_because(""));
}

TEST_CASE("a damaged compressed file never gives other values") {
  const Folder folder;
  const Bytes good = folder.compressed(two_by_three);
  const IdxArray<std::uint8_t> right = read_idx(folder.file);
  int refused = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    folder.plain(bad);
    try {
      const IdxArray<std::uint8_t> array = read_idx(folder.file);
      const bool equal = array.shape == right.shape && array.values == right.values;
      if (!equal) FAIL("bit " << bit << " went unnoticed");
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > static_cast<int>(good.size()) * 4);  // the rest are the time stamp and the like
  for (std::size_t size = 0; size < good.size(); ++size) {
    folder.plain(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    REQUIRE(folder.refused_because(""));
  }
}

TEST_CASE("real MNIST has its known shape and labels") {
  const std::filesystem::path mnist = shared_folder() / "data" / "mnist";
  if (!std::filesystem::is_directory(mnist)) {
    WARN("no mnist (set CAPTCHA_SHARED): skipped");
    return;
  }
  for (const auto& [name, count] : {std::pair<std::string, std::size_t>{"train", 60000}, {"t10k", 10000}}) {
    const auto images = read_idx(mnist / (name + "-images-idx3-ubyte.gz"));
    const auto labels = read_idx(mnist / (name + "-labels-idx1-ubyte.gz"));
    CHECK(images.shape == std::vector<std::size_t>{count, 28, 28});
    CHECK(labels.shape == std::vector<std::size_t>{count});
    std::vector<std::size_t> of_class(10);
    for (const std::uint8_t label : labels.values) ++of_class.at(label);
    CHECK(of_class[1] == (count == 60000 ? 6742u : 1135u));
    CHECK(of_class[5] == (count == 60000 ? 5421u : 892u));
  }
  WARN("real data: mnist, train and t10k");
}
