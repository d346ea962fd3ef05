// safetensors: exact round trips, no damaged bit and no malformed file gets through, real files load.
#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/io/safetensors.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace captcha;

namespace {

std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("CAPTCHA_SHARED")) return folder;
#ifdef CAPTCHA_SHARED_DIR
  return CAPTCHA_SHARED_DIR;
#else
  return {};
#endif
}

struct Folder : TemporaryFolder {
  std::filesystem::path file = path / "a.safetensors";
};

template <class T>
SafeTensor tensor(std::string name, Dtype dtype, std::vector<std::size_t> shape,
                  const std::vector<T>& values) {
  return {std::move(name), dtype, std::move(shape), std::as_bytes(std::span(values))};
}

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
SafetensorsFile parse(const std::string& bytes) {
  return SafetensorsFile::view(std::as_bytes(std::span(bytes)), "x");
}
std::string message(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
std::string refusal(const std::string& bytes) {
  return message([&] { parse(bytes); });
}
std::string with_header(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\1');
}
bool refused_because(const std::string& header, std::size_t data, std::string_view reason) {
  const std::string why = refusal(with_header(header, data));
  INFO(why);
  return why.starts_with("x: ") && why.find(reason) != std::string::npos;
}
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return json_string(name) + R"(:{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" +
         offsets + "]}";
}

}  // namespace

TEST_CASE("tensors and metadata survive a round trip, aligned and in order") {
  const Folder folder;
  const std::vector<float> floats{1.5f, -2.0f, 3.25f, 0.0f, -0.0f, 1e-40f};
  const std::vector<std::int64_t> longs{-1, std::numeric_limits<std::int64_t>::max()};
  const std::vector<std::uint8_t> small{1, 2, 3}, flag{1}, none;
  const std::map<std::string, std::string> metadata{
      {"classes", "2345678abc"}, {"q\"uote\\", "tab\tline\nü€😀"}, {"", ""}};
  const std::vector<SafeTensor> written{
      tensor("small", Dtype::u8, {3}, small), tensor("a.weight", Dtype::f32, {2, 3}, floats),
      tensor("ünï\"\\\x01", Dtype::f32, {0, 5}, none), tensor("steps", Dtype::i64, {2}, longs),
      tensor("flag", Dtype::boolean, {}, flag)};
  write_safetensors(folder.file, written, metadata);
  const SafetensorsFile file = SafetensorsFile::read(folder.file);
  CHECK(file.integrity() == Integrity::verified);
  CHECK(file.metadata() == metadata);
  REQUIRE(file.tensors().size() == 5);
  CHECK(file.tensors()[0].name == "steps");
  CHECK(file.find("nothing") == nullptr);
  for (const SafeTensor& one : written) {
    const SafeTensor* read = file.find(one.name);
    REQUIRE(read != nullptr);
    CHECK(read->dtype == one.dtype);
    CHECK(read->shape == one.shape);
    CHECK(std::ranges::equal(read->bytes, one.bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(read->bytes.data()) % info(read->dtype).size == 0);
  }
  const std::string bytes = content(folder.file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(bytes[8] == '{');
  write_safetensors(folder.file, file.tensors(), file.metadata());
  CHECK(content(folder.file) == bytes);
}

TEST_CASE("an empty file of tensors is a file too") {
  const Folder folder;
  write_safetensors(folder.file, {});
  CHECK(SafetensorsFile::read(folder.file).integrity() == Integrity::verified);
  CHECK(parse(with_header("{}", 0)).integrity() == Integrity::absent);
  CHECK(parse(with_header("{\"__metadata__\":{}}     ", 0)).tensors().empty());
}

TEST_CASE("every flipped bit, every cut and every extra byte of our own files is refused") {
  const Folder folder;
  const std::vector<float> values{1, 2, 3, 4};
  const std::vector<std::uint8_t> bytes{7, 7};
  const std::vector<std::vector<SafeTensor>> files{
      {tensor("fc.weight", Dtype::f32, {2, 2}, values), tensor("m", Dtype::i8, {2}, bytes),
       tensor("n", Dtype::u8, {2}, bytes)},
      {tensor("only", Dtype::f16, {}, bytes)},
      {}};
  for (const auto& tensors : files) {
    write_safetensors(folder.file, tensors, {{"classes", "ab"}});
    const std::string good = content(folder.file);
    REQUIRE(refusal(good).empty());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      INFO("bit " << bit << " of byte " << bit / 8);
      REQUIRE(refusal(bad).starts_with("x: "));
    }
    for (std::size_t size = 0; size < good.size(); ++size)
      REQUIRE(refusal(good.substr(0, size)).starts_with("x: "));
    for (const std::size_t extra : {1u, 8u, 4096u})
      REQUIRE(refusal(good + std::string(extra, ' ')).starts_with("x: "));
  }
}

TEST_CASE("a damaged tensor is named, and so is a hash that is missing") {
  const Folder folder;
  const std::vector<std::uint8_t> bytes{1, 2};
  write_safetensors(folder.file, std::vector{tensor("first", Dtype::u8, {2}, bytes),
                                             tensor("second", Dtype::u8, {2}, bytes)});
  const std::string good = content(folder.file);
  std::string bad = good;
  bad.back() = 3;
  CHECK(refusal(bad).find("tensor \"second\" is damaged (wrong hash)") != std::string::npos);

  const SafetensorsFile file = parse(good);
  std::map<std::string, std::string> claims{{std::string(hash_algorithm_key), "XXH3-64"}};
  claims[std::string(tensor_hash_prefix) + "first"] = tensor_hash(file.tensors()[0]);
  const auto refused = [&](std::string_view reason) {
    std::string header = "{\"__metadata__\":{";
    for (const auto& [key, value] : claims) header += json_string(key) + ":" + json_string(value) + ",";
    header.back() = '}';
    header += "," + entry("first", "U8", "2", "0,2") + "," + entry("second", "U8", "2", "2,4") + "}";
    const std::string why = refusal(with_header(header, 0) + "\1\2\1\2");
    INFO(why);
    return reason.empty() ? why.empty() : why.find(reason) != std::string::npos;
  };
  const std::string seal(metadata_hash_key);
  CHECK(refused("the hash of the metadata is missing"));
  claims[seal] = metadata_hash(claims);
  CHECK(refused("the hash of tensor \"second\" is missing"));
  claims[std::string(tensor_hash_prefix) + "second"] = tensor_hash(file.tensors()[1]);
  CHECK(refused("the metadata is damaged"));
  claims[seal] = metadata_hash(claims);
  CHECK(refused(""));
  claims[std::string(tensor_hash_prefix) + "third"] = tensor_hash(file.tensors()[1]);
  claims[seal] = metadata_hash(claims);
  CHECK(refused("hashes of tensors that are not there"));
  claims[std::string(hash_algorithm_key)] = "MD5";
  CHECK(refused("the hash algorithm is damaged"));
}

TEST_CASE("malformed files are refused with the reason") {
  CHECK(refused_because("{" + entry("a", "F32", "4194305,4194305,211106198978564", "0,16") + "}", 16,
                        "does not fit its shape"));
  CHECK(refused_because("{" + entry("a", "F32", "4294967296,4294967296,0", "0,0") + "}", 0,
                        "does not fit its shape"));
  CHECK(refused_because("{" + entry("a", "F32", "2", "0,4") + "}", 4, "does not fit its shape 2 of F32"));
  CHECK(refused_because("{" + entry("a", "U8", "4", "4,0") + "}", 4, "ends before it begins"));
  CHECK(refused_because("{" + entry("a", "U8", "5", "0,5") + "}", 4, "has only 4 bytes"));
  CHECK(refused_because("{" + entry("a", "U8", "4", "0,4") + "}", 5,
                        "end at byte 4 of the data, but it has 5"));
  CHECK(refused_because("{" + entry("a", "U8", "2", "0,2") + "," + entry("b", "U8", "2", "1,3") + "}", 3,
                        "tensor \"b\", data 1 to 3: overlaps"));
  CHECK(refused_because("{" + entry("a", "U8", "2", "0,2") + "," + entry("b", "U8", "2", "3,5") + "}", 5,
                        "leaves a hole"));
  CHECK(refused_because("{" + entry("a", "U8", "2", "0,2") + "," + entry("a", "U8", "2", "2,4") + "}", 4,
                        "tensor \"a\" is there twice"));
  CHECK(refused_because("{" + entry("a", "F31", "2", "0,2") + "}", 2, "unknown dtype \"F31\""));
  CHECK(refused_because("{" + entry("a", "U8", "2", "0,1,2") + "}", 2, "more than 2 numbers"));
  CHECK(refused_because("{" + entry("a", "U8", "2", "2") + "}", 2, "data_offsets must be two numbers"));
  CHECK(refused_because("{" + entry("a", "U8", "18446744073709551616", "0,2") + "}", 2, "above 2^64"));
  std::string axes = "1";
  for (std::size_t i = 0; i < max_tensor_axes; ++i) axes += ",1";
  CHECK(refused_because("{" + entry("a", "U8", axes, "0,1") + "}", 1, "more than 32 numbers"));
  CHECK(refused_because(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":[]}})", 1,
                        "unknown entry \"x\""));
  CHECK(refused_because(R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1,
                        "dtype is there twice"));
  CHECK(refused_because(R"({"a":{"dtype":"U8","shape":[]}})", 0, "missing"));
  CHECK(refused_because(R"({"__metadata__":{"a":"1","a":"2"}})", 0, "metadata \"a\" is there twice"));
  CHECK(refused_because(R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"));
  CHECK(refused_because(R"({"__metadata__":{"a":1}})", 0, "expected \""));
  for (const char* header : {"", "{", "[]", "{}x", "{},", "{\"a\"}", "{\"__metadata__\":{\"a\":\"\x01\"}}",
                             "{\"a\":[[[[[[", "null", "{}\n"})
    CHECK(refused_because(header, 0, "damaged safetensors header, byte "));
  for (const char* number : {"-1", "1.0", "1e3", "01", "\"1\"", "true"})
    CHECK(refused_because("{" + entry("a", "U8", number, "0,1") + "}", 1, "damaged safetensors header"));

  std::string long_header = with_header("{}", 0);
  long_header[3] = '\x10';  // 268 MB
  CHECK(refusal(long_header).find("expected at most 2") != std::string::npos);
  CHECK(refusal("1234567").find("too short") != std::string::npos);
  const Folder folder;
  std::ofstream(folder.file, std::ios::binary)
      << with_header("{}", 0).replace(0, 8, std::string("\x01\xE1\xF5\x05\0\0\0\0", 8));  // 100,000,001
  std::filesystem::resize_file(folder.file, 1'000'000'000);  // a hole, which takes no room on the disk
  CHECK(message([&] { SafetensorsFile::read(folder.file); }).find("expected at most 100000000") !=
        std::string::npos);
}

TEST_CASE("strings follow JSON and UTF-8 to the letter") {
  const auto name = [](const std::string& text) {
    return parse(with_header("{\"" + text + "\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1))
        .tensors()[0]
        .name;
  };
  CHECK(name(R"(a\"\\\/\b\f\n\r\t)") == "a\"\\/\b\f\n\r\t");
  CHECK(name(R"(\u0041\u00fc\u20AC\uD83D\uDE00)") == "Aü€😀");
  for (const char* bad : {R"(\x)", R"(\u12)", R"(\u12G4)", R"(\uD83D)", R"(\uDE00)", R"(\uD83D\u0041)",
                          R"(\)", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                          "\xF4\x90\x80\x80", "\xF8", "\xE2\x82", "\t"})
    CHECK(message([&] { name(bad); }).find("damaged safetensors header") != std::string::npos);
}

TEST_CASE("a header that would take much more memory than its file is refused") {
  std::string many = "{";
  for (int i = 0; i < 30000; ++i) many += (i == 0 ? "" : ",") + entry(std::to_string(i), "U8", "0", "0,0");
  CHECK(refused_because(many + "}", 0, "more memory than the file is worth"));
  std::string braces = "{\"__metadata__\":{\"a\":\"";
  CHECK(parse(with_header(braces + std::string(100000, '{') + "\"}}", 0)).metadata().at("a").size() ==
        100000);
  std::string fits = "{";
  for (int i = 0; i < 2000; ++i) fits += (i == 0 ? "" : ",") + entry(std::to_string(i), "U8", "0", "0,0");
  CHECK(parse(with_header(fits + "}", 0)).tensors().size() == 2000);
}

TEST_CASE("what cannot be written is refused before anything is") {
  const Folder folder;
  const std::vector<std::uint8_t> bytes{1, 2};
  const auto refused = [&](const std::vector<SafeTensor>& tensors,
                           const std::map<std::string, std::string>& metadata, std::string_view reason) {
    const std::string why = message([&] { write_safetensors(folder.file, tensors, metadata); });
    INFO(why);
    return why.find(reason) != std::string::npos && !std::filesystem::exists(folder.file);
  };
  CHECK(refused({tensor("a", Dtype::u8, {3}, bytes)}, {},
                "tensor \"a\": 2 bytes do not fit its shape 3 of U8"));
  CHECK(refused({tensor("a", Dtype::u8, {2}, bytes), tensor("a", Dtype::u8, {2}, bytes)}, {},
                "two tensors are called \"a\""));
  CHECK(refused({tensor("", Dtype::u8, {2}, bytes)}, {}, "called \"\""));
  CHECK(refused({tensor("__metadata__", Dtype::u8, {2}, bytes)}, {}, "__metadata__"));
  CHECK(refused({tensor("\xFF", Dtype::u8, {2}, bytes)}, {}, "called"));
  CHECK(refused({}, {{"captcha.hash.x", "1"}}, "reserved"));
  CHECK(refused({}, {{"x", "\xFF"}}, "UTF-8"));
  CHECK(message([&] { write_safetensors(folder.path / "none" / "a", {}); }).find("No such file") !=
        std::string::npos);
  CHECK(message([&] { SafetensorsFile::read(folder.path); }).find("not a regular file") != std::string::npos);
  CHECK(message([&] {
          SafetensorsFile::read(folder.path / "none");
        }).find("none: cannot be opened: No such") != std::string::npos);
  std::ofstream(folder.path / "empty").flush();
  CHECK(message([&] { SafetensorsFile::read(folder.path / "empty"); }).find("0 bytes, too short") !=
        std::string::npos);
  REQUIRE(::mkfifo(folder.file.c_str(), 0600) == 0);
  CHECK(message([&] { SafetensorsFile::read(folder.file); }).find("not a regular file") != std::string::npos);
}

TEST_CASE("values convert exactly where they can, and not at all where they cannot") {
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000, 0x0001, 0x7BFF, 0x8000, 0x7C00, 0x3555};
  const auto floats = to_vector<float>(tensor("h", Dtype::f16, {7}, halves));
  CHECK(floats[0] == 1.0f);
  CHECK(floats[1] == -2.0f);
  CHECK(floats[2] == 0x1p-24f);
  CHECK(floats[3] == 65504.0f);
  CHECK(std::signbit(floats[4]));
  CHECK(std::isinf(floats[5]));
  CHECK(floats[6] == 0.333251953125f);
  CHECK(std::isnan(half_to_float(0x7E00)));
  CHECK(to_vector<double>(tensor("b", Dtype::bf16, {2}, std::vector<std::uint16_t>{0x3FC0, 0xC2F7})) ==
        std::vector<double>{1.5, -123.5});
  CHECK(to_vector<float>(tensor("d", Dtype::f64, {1}, std::vector<double>{0.1})) == std::vector<float>{0.1f});
  CHECK(to_vector<double>(tensor("i", Dtype::i32, {2}, std::vector<std::int32_t>{-7, 7})) ==
        std::vector<double>{-7, 7});
  CHECK(to_vector<int>(tensor("i", Dtype::i8, {2}, std::vector<std::int8_t>{-7, 7})) ==
        std::vector<int>{-7, 7});
  const std::vector<std::int64_t> large{1, std::int64_t{1} << 40};
  CHECK(to_vector<std::int64_t>(tensor("i", Dtype::i64, {2}, large)) == large);
  CHECK(message([&] {
          to_vector<int>(tensor("i", Dtype::i64, {2}, large));
        }).find("tensor \"i\": its I64 values do not fit") != std::string::npos);
  CHECK(message([&] { to_vector<int>(tensor("f", Dtype::f32, {1}, std::vector<float>{1})); }).find("F32") !=
        std::string::npos);
  const std::string odd =
      with_header("{" + entry("a", "U8", "1", "0,1") + "," + entry("b", "F32", "1", "1,5") + "}", 0) + "\1" +
      std::string("\0\0\x80\x3F", 4);
  CHECK(to_vector<float>(*parse(odd).find("b")) == std::vector<float>{1.0f});
}

TEST_CASE("20,000 random changes to a file never crash, and none passes with other content") {
  const Folder folder;
  const std::vector<float> values{1, 2, 3, 4};
  write_safetensors(
      folder.file, std::vector{tensor("a", Dtype::f32, {2, 2}, values), tensor("b", Dtype::f32, {4}, values)},
      {{"k", "v"}});
  const std::string good = content(folder.file);
  Random random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (std::uint32_t change = 0; change <= random.below(4); ++change)
      bad[random.below(static_cast<std::uint32_t>(bad.size()))] = static_cast<char>(random.below(256));
    if (bad != good) REQUIRE(refusal(bad).starts_with("x: "));
  }
}

TEST_CASE("files of other writers load, with integrity absent") {
  const std::filesystem::path shared = shared_folder();
  if (!std::filesystem::is_directory(shared / "weights")) {
    WARN("no weights and cifar10_1000.safetensors (set CAPTCHA_SHARED): skipped");
    return;
  }
  const SafetensorsFile cifar = SafetensorsFile::read(shared / "data" / "cifar10_1000.safetensors");
  CHECK(cifar.integrity() == Integrity::absent);
  REQUIRE(cifar.find("images") != nullptr);
  CHECK(cifar.find("images")->shape == std::vector<std::size_t>{1000, 3, 32, 32});
  const auto labels = to_vector<int>(*cifar.find("labels"));
  CHECK(labels.size() == 1000);
  CHECK(std::ranges::all_of(labels, [](int label) { return label >= 0 && label < 10; }));
  for (const char* name : {"cifar_resnet20", "cifar_resnet56", "resnet18_imagenet_partial"}) {
    const SafetensorsFile file =
        SafetensorsFile::read(shared / "weights" / (std::string(name) + ".safetensors"));
    CHECK(file.integrity() == Integrity::absent);
    REQUIRE(file.find("conv1.weight") != nullptr);
    const auto weights = to_vector<float>(*file.find("conv1.weight"));
    CHECK(std::ranges::all_of(weights, [](float weight) { return std::isfinite(weight); }));
  }
  WARN("real data: cifar10_1000, cifar_resnet20, cifar_resnet56, resnet18_imagenet_partial");
}
