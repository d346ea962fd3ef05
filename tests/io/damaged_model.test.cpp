// Models with a damaged bit, cut, or written wrongly by others: all are refused by name, the network keeps
// its weights, and no file takes more memory than it is worth.
#include <captcha/core/error.hpp>
#include <captcha/core/random.hpp>
#include <captcha/io/model_info.hpp>
#include <captcha/io/safetensors.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/layers.hpp>

#include "catch.hpp"
#include "foreign_file.hpp"
#include "temporary_folder.hpp"
#include <malloc.h>

#include <algorithm>
#include <atomic>
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
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace captcha;

namespace {

std::atomic<std::size_t> taken{0}, most_taken{0};                                 // bytes from operator new
std::atomic<std::size_t> left_to_give = std::numeric_limits<std::size_t>::max();  // allocations

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const memory = left_to_give == 0 ? nullptr : std::malloc(size);
  if (!memory) return nullptr;
  if (left_to_give != std::numeric_limits<std::size_t>::max()) --left_to_give;
  const std::size_t now = taken += ::malloc_usable_size(memory);
  if (now > most_taken) most_taken = now;
  return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* const memory = ::operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  taken -= ::malloc_usable_size(memory);
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

namespace {

using Net = Chain<Named<"conv", Conv2d<1, 16, Conv{.padding = 1, .bias = false}>>,
                  Named<"bn", BatchNorm2d<16>>, ReLU, Flatten, Named<"fc", Linear<16 * 8 * 8, 4>>>;

struct Folder : TemporaryFolder {
  std::filesystem::path file = path / "model.safetensors";
};

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
/// A model file with hashes and all that a model says of itself.
std::string model_of(const Weights<Net>& weights) {
  const Folder folder;
  save_weights(folder.file, weights, to_metadata<Net>({"small", {"a", "b", "c", "d"}, "none", chw(1, 8, 8)}));
  return content(folder.file);
}
/// The same weights as another program writes them.
std::vector<ForeignTensor> foreign_tensors(const Weights<Net>& weights) {
  std::vector<ForeignTensor> tensors;
  for (const PlacedSlot& placed : Weights<Net>::slots()) {
    ForeignTensor& tensor = tensors.emplace_back();
    tensor.name = placed.name;
    tensor.values = weights.get(placed);
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      tensor.shape.push_back(placed.slot.extent(axis));
  }
  return tensors;
}
std::string foreign_model(const std::vector<ForeignTensor>& tensors) {
  const Folder folder;
  write_foreign(folder.file, tensors, R"({"format": "pt"})");
  return content(folder.file);
}
std::size_t header_end(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  return sizeof(length) + static_cast<std::size_t>(length);
}

SafetensorsFile parse(const std::string& bytes) {
  return SafetensorsFile::view(std::as_bytes(std::span(bytes)), "x");
}
/// Whether it is refused with a message that names the file.
bool refused(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    return std::string_view(error.what()).starts_with("x: ");
  }
  return false;
}
bool same(const Weights<Net>& a, const Weights<Net>& b) {
  return std::memcmp(a.parameters().data(), b.parameters().data(), a.parameters().size_bytes()) == 0 &&
         std::memcmp(a.buffers().data(), b.buffers().data(), a.buffers().size_bytes()) == 0;
}

/// Most bytes that a function held at a time beside what was held before.
std::size_t memory_of(const std::function<void()>& run) {
  const std::size_t before = taken;
  most_taken = before;
  try {
    run();
  } catch (const Error&) {
  }
  return most_taken - before;
}

}  // namespace

TEST_CASE(
    "every bit of a model's header, 100,000 of its weights, every cut and every extra byte are noticed") {
  std::string model = model_of(Weights<Net>(1));
  REQUIRE_FALSE(refused(model));
  const std::size_t data = header_end(model);
  const auto flip = [&](std::size_t bit) {
    model[bit / 8] = static_cast<char>(model[bit / 8] ^ 1 << bit % 8);
  };
  for (std::size_t bit = 0; bit < 8 * data; ++bit) {
    flip(bit);
    INFO("bit " << bit);
    REQUIRE(refused(model));
    flip(bit);
  }
  Random random(17);
  constexpr int flips = 100'000;
  for (int i = 0; i < flips; ++i) {
    const std::size_t bit = 8 * data + random.below(static_cast<std::uint32_t>(8 * (model.size() - data)));
    flip(bit);
    INFO("bit " << bit);
    REQUIRE(refused(model));
    flip(bit);
  }
  REQUIRE_FALSE(refused(model));
  for (std::size_t size = 0; size < model.size(); ++size) {
    INFO("cut to " << size);
    REQUIRE(refused(model.substr(0, size)));
  }
  for (const std::size_t extra : {1u, 2u, 4u, 7u, 8u, 64u, 4096u, 1u << 20})
    for (const char byte : {'\0', ' ', '}'}) REQUIRE(refused(model + std::string(extra, byte)));
  WARN(8 * data << " bits of the header, " << flips << " of " << 8 * (model.size() - data)
                << " bits of the weights, " << model.size() << " cuts: all refused");
}

TEST_CASE("a file of another writer loads, its integrity absent, its values where they belong") {
  const Weights<Net> written(1);
  const std::string bytes = foreign_model(foreign_tensors(written));
  const SafetensorsFile file = parse(bytes);
  CHECK(file.integrity() == Integrity::absent);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  Weights<Net> weights(2);
  const LoadReport report = load_weights(file, "x", weights);
  CHECK(report.loaded == Weights<Net>::slots().size());
  CHECK(same(weights, written));
}

// Other weights, or two tensors of one shape that changed places, nobody can see.
TEST_CASE("of damages to a file without hashes every one is refused that can be seen") {
  const Weights<Net> written(1), before(2);
  std::string model = foreign_model(foreign_tensors(written));
  const std::size_t data = header_end(model);
  for (std::size_t size = 0; size < model.size(); ++size) REQUIRE(refused(model.substr(0, size)));
  for (const std::size_t extra : {1u, 4u, 4096u}) REQUIRE(refused(model + std::string(extra, '\0')));
  // A flipped bit of the header that nothing contradicts changes no weight: it lies in a remark.
  std::size_t unseen = 0;
  const std::size_t remark = model.find("\"__metadata__\""), behind = model.find('}', remark);
  for (std::size_t bit = 0; bit < 8 * data; ++bit) {
    model[bit / 8] = static_cast<char>(model[bit / 8] ^ 1 << bit % 8);
    Weights<Net> weights = before;
    bool loads = true;
    try {
      load_weights(parse(model), "x", weights);
    } catch (const Error& error) {
      REQUIRE(std::string_view(error.what()).starts_with("x: "));
      loads = false;
    }
    INFO("bit " << bit);
    REQUIRE(same(weights, loads ? written : before));
    if (loads) {
      REQUIRE((bit / 8 > remark && bit / 8 < behind));
      ++unseen;
    }
    model[bit / 8] = static_cast<char>(model[bit / 8] ^ 1 << bit % 8);
  }
  WARN(8 * data << " bits of the header: " << unseen
                << " of a remark change nothing, all others are refused");

  const auto spoil = [&](const std::string& from, const std::string& to) {
    std::string bytes = model;
    bytes.replace(bytes.find(from), from.size(), to);
    return refused(bytes);
  };
  CHECK_FALSE(spoil("\"pt\"", "\"tp\""));
  CHECK(spoil("\"bn.bias\"", "\"bn.bia\xFF\""));
  CHECK(spoil("\"bn.weight\"", "\"fc.weight\""));  // a name twice
  CHECK(spoil("[16, 1, 3, 3]", "[16, 1, 9, 3]"));
  CHECK(spoil("[0, 576]", "[0, 572]"));
  CHECK(spoil("[0, 576]", "[4, 580]"));
  CHECK(spoil("F32", "F64"));
}

TEST_CASE("weights are as they were, bit by bit, when loading fails at any point") {
  const Weights<Net> written(1), before(2);
  Weights<Net> weights = before;
  const auto fails = [&](const std::vector<ForeignTensor>& tensors, const LoadOptions& options,
                         const std::string& says) {
    CHECK_THROWS_WITH(load_weights(parse(foreign_model(tensors)), "x", weights, options),
                      Catch::StartsWith("x: ") && Catch::Contains(says));
    return same(weights, before);
  };
  const std::vector<ForeignTensor> good = foreign_tensors(written);
  for (std::size_t i = 0; i < good.size(); ++i) {
    INFO(good[i].name);
    std::vector<ForeignTensor> bad = good;
    bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(fails(bad, {}, "missing: " + good[i].name));
    bad = good;
    bad[i].name = "other";
    CHECK(fails(bad, {}, "unexpected: other"));
    bad = good;
    bad[i].shape.back() += 1;
    bad[i].values.resize(bad[i].values.size() / good[i].shape.back() * bad[i].shape.back());
    CHECK(fails(bad, {}, "mis-shaped: " + good[i].name));
  }
  CHECK(fails({{"nothing.weight", {1}, {1}}}, {.strict = false, .adapt = true}, "no tensor fits"));
  CHECK(fails(good, {.prefix = "net."}, "missing: conv.weight"));

  // Out of memory after any number of allocations. The values do not lie where floats may, so that each
  // tensor needs memory of its own.
  std::string odd = foreign_model(good);
  std::uint64_t length = 0;
  std::memcpy(&length, odd.data(), sizeof(length));
  odd.insert(odd.find('{') + 1, (length % 2 == 0) ? " " : "");
  length += length % 2 == 0;
  std::memcpy(odd.data(), &length, sizeof(length));
  const SafetensorsFile file = parse(odd);
  std::size_t allowed = 0;
  for (bool loaded = false; !loaded; ++allowed) {
    bool kept = true;
    left_to_give = allowed;
    try {
      load_weights(file, "x", weights);
      loaded = true;
    } catch (const std::bad_alloc&) {
      kept = same(weights, before);
    }
    left_to_give = std::numeric_limits<std::size_t>::max();
    INFO(allowed << " allocations");
    REQUIRE(kept);
  }
  CHECK(allowed > good.size());
  CHECK(same(weights, written));
}

TEST_CASE("no file makes its reader take more memory than its size and 1 MiB") {
  constexpr std::size_t spare = std::size_t{1} << 20;
  const auto modest = [](const std::string& bytes) {
    const std::size_t held = memory_of([&] { parse(bytes); });
    INFO(bytes.size() << " bytes in the file, " << held << " of memory");
    return held <= bytes.size() + spare;
  };
  CHECK(memory_of([] { static_cast<void>(std::string(100'000, 'x')); }) >= 100'000);  // it does count
  const auto with_header = [](std::uint64_t length, const std::string& header) {
    std::string bytes(sizeof(length), '\0');
    std::memcpy(bytes.data(), &length, sizeof(length));
    return bytes + header;
  };
  for (const std::uint64_t claimed : {std::uint64_t{99'999'999}, std::uint64_t{100'000'001},
                                      std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()})
    CHECK(modest(with_header(claimed, "{}")));
  const auto entry = [](const std::string& name, const std::string& shape, const std::string& range) {
    return "\"" + name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + range + "]}";
  };
  const auto headed = [&](const std::string& header) { return with_header(header.size(), header); };
  CHECK(modest(headed("{" + entry("a", "4194305,4194305,211106198978564", "0,16") + "}")));
  CHECK(modest(headed("{" + entry("a", "18446744073709551615", "0,18446744073709551615") + "}")));
  std::string zeros = "0";
  for (int i = 0; i < 200'000; ++i) zeros += ",0";
  CHECK(modest(headed("{" + entry("a", zeros, "0,0") + "}")));
  for (const int count : {1'000, 10'000, 12'000, 20'000, 200'000}) {
    std::string tensors, remarks = "{\"__metadata__\":{", braces;
    for (int i = 0; i < count; ++i) {
      tensors += (i == 0 ? "{" : ",") + entry(std::to_string(i), "0", "0,0");
      remarks += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"\"";
      braces += "{\"a\":";
    }
    CHECK(modest(headed(tensors + "}")));
    CHECK(modest(headed(remarks + "}}")));
    CHECK(modest(headed(braces)));
    CHECK(modest(headed("{\"" + std::string(static_cast<std::size_t>(count), 'n') + "\":1}")));
  }

  const std::string model = model_of(Weights<Net>(1));
  CHECK(modest(model));
  Random random(23);
  std::size_t most = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = model.substr(0, header_end(model) + random.below(64));
    for (std::uint32_t change = 0; change <= random.below(4); ++change)
      bad[random.below(static_cast<std::uint32_t>(bad.size()))] = static_cast<char>(random.below(256));
    most = std::max(most, memory_of([&] { parse(bad); }));
  }
  CHECK(most <= spare);
}
