// Makes the first inputs of the fuzzers, a folder each: fuzz_seeds FOLDER. The ones under tests/fuzz/corpus
// were made with it.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/layers.hpp>

#include "fuzz.hpp"
#include "png_parts.hpp"
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace captcha;
using fuzz::Bytes;

namespace {

std::filesystem::path corpus;

void seed(const std::string& fuzzer, const std::string& name, std::string_view bytes) {
  std::filesystem::create_directories(corpus / fuzzer);
  std::ofstream(corpus / fuzzer / name, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
void seed(const std::string& fuzzer, const std::string& name, const Bytes& bytes) {
  seed(fuzzer, name, fuzz::text_of(bytes.data(), bytes.size()));
}

void pictures() {
  const auto png = [](const std::string& name, const png_parts::Picture& picture) {
    seed("png", name, png_parts::file(picture));
  };
  const Bytes colours{1, 2, 3, 4, 5, 6};
  png("grey", {.width = 5, .height = 4, .fill = 1});
  png("bits", {.width = 11, .height = 3, .depth = 1});
  png("pairs", {.width = 7, .height = 3, .depth = 2, .interlaced = true, .fill = 2});
  png("see_through", {.width = 3, .height = 2, .transparency = {0, 0}});
  png("rgb", {.width = 4, .height = 4, .colour = PngParts::rgb, .fill = 4});
  png("rgb_interlaced", {.width = 9, .height = 9, .colour = PngParts::rgb, .interlaced = true, .fill = 3});
  png("palette", {.width = 6,
                  .height = 2,
                  .depth = 4,
                  .colour = PngParts::palette,
                  .palette = colours,
                  .transparency = {9}});
  png("palette_interlaced", {.width = 5,
                             .height = 5,
                             .colour = PngParts::palette,
                             .interlaced = true,
                             .palette = colours,
                             .fill = 1});
  png("grey_alpha", {.width = 3, .height = 3, .colour = PngParts::grey_alpha, .interlaced = true, .fill = 4});
  png("rgba", {.width = 3, .height = 5, .colour = PngParts::rgba, .fill = 2});
  png("largest", {.width = 512, .height = 512, .colour = PngParts::rgba, .fill = 4});
  png("largest_interlaced",
      {.width = 512, .height = 512, .colour = PngParts::rgba, .interlaced = true, .fill = 3});
}

void tensors() {
  using Net =
      Chain<Named<"conv", Conv2d<2, 3, Conv{.kernel = 1}>>, GlobalAvgPool2d, Named<"fc", Linear<3, 2>>>;
  const Weights<Net> weights(3);
  std::vector<std::vector<float>> values;
  values.reserve(Weights<Net>::slots().size());
  std::vector<SafeTensor> all;
  for (const PlacedSlot& placed : Weights<Net>::slots()) {
    values.push_back(weights.get(placed));
    SafeTensor tensor{placed.name, Dtype::f32, {}, std::as_bytes(std::span(values.back()))};
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(placed.slot.rank); ++axis)
      tensor.shape.push_back(placed.slot.extent(axis));
    all.push_back(std::move(tensor));
  }
  seed("safetensors", "ours", fuzz::safetensors_bytes(all, {{"captcha.format", "1"}}));
  // Files of others have no hashes, so that a change goes further.
  const auto theirs = [&](const std::string& name, const std::string& prefix, Dtype dtype,
                          std::size_t channels) {
    std::string header = "{", data;
    for (const SafeTensor& tensor : all) {
      const std::size_t begin = data.size();
      std::size_t count = 1;
      std::string shape;
      for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
        const std::size_t extent = tensor.shape.size() == 4 && axis == 1 ? channels : tensor.shape[axis];
        count *= extent;
        shape.append(axis == 0 ? "" : ",").append(std::to_string(extent));
      }
      data.append(count * info(dtype).size, '1');
      header.append(header.size() == 1 ? "" : ",")
          .append(json_string(prefix + tensor.name) + ":{\"dtype\":\"" + std::string(info(dtype).name) +
                  "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(begin) + "," +
                  std::to_string(data.size()) + "]}");
    }
    header += "}";
    const std::uint64_t length = header.size();
    seed("safetensors", name,
         std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data);
  };
  theirs("halves", "", Dtype::f16, 2);
  theirs("bf16", "", Dtype::bf16, 2);
  theirs("other_channels", "", Dtype::f32, 3);
  theirs("whole_numbers", "", Dtype::i64, 1);
  theirs("no_channels", "", Dtype::f64, 0);
  theirs("prefix", "p/", Dtype::u8, 2);
}

void texts() {
  const std::string state =
      R"({"epoch":1,"step":2,"updates":2,"best":0.5,"best_epoch":1,"options":"optimizer sgd, seed 1",)"
      R"("learning_rate":0.01,"epoch_loss":null,"epoch_samples":8,"epoch_metrics":[[1,2],[]],"kept":[1,2],)"
      R"("history":[{"epoch":1,"step":2,"train_loss":1e-3,"val_loss":null}]})";
  seed("checkpoint", "state", state);
  seed("checkpoint", "other_options", R"({"options":"optimizer adam, seed 1"})");
  for (const char* const lacks : {"0", "1", "2", "3", "4", "5", "6"})
    seed("checkpoint", std::string("lacks_") + lacks, "-" + std::string(lacks) + state);
  seed("checkpoint", "earlier", R"({"epoch":1,"step":2,"updates":2,"options":"optimizer sgd, seed 1"})");
  seed("model_info", "ours", "1\nresnet18\nstandardise\n1 x 52 x 32\n[\"a\",\"b\\u00fc\"]\n");
  seed("model_info", "flat", "1\n\n\n20\n[]");
  seed("model_info", "shape", "3 x 7 x 9");
  const std::string ask = "34012567";
  seed("json", "object", ask + R"({"a":[1,2,-3.5e7,null],"b":{}})");
  seed("json", "string", "00000000\"\\ud83d\\ude00\\n\\u00e9\\\\\xC3\xA9\"");
  seed("json", "numbers", "55555555[1,2,3,18446744073709551615]");
  seed("json", "list", "42222222[0.1,1e308,-0,null]");
}

void configurations() {
  seed("config", "all",
       "data = 'pictures'\ngroup = \"source\"\nepochs = 3\nseed = '18446744073709551615'\n"
       "learning-rate = 1e-3\nval-fraction = 0.1\nclip = 2\naugment = false\nresize = true\n");
  seed("config", "texts", "data = \"\"\"\na\\u00fc\\tb\"\"\" # remark\n'epochs' = 0x1F\nseed = 1_000\n");
  seed("config", "octal", "seed = '010'\n");
  seed("config", "lines", "data = \"\"\"\n\n\na\n\n\"\"\"\n");
  seed("config", "wrong", "[table]\na.b = [1, 2, {c = 1979-05-27T07:32:00Z}]\n");
}

void arrays() {
  const Bytes plain{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
  Bytes floats{0, 0, 13, 1, 0, 0, 0, 1, 0x3F, 0x80, 0, 0};
  seed("idx", "plain", plain);
  seed("idx", "floats", floats);
  const auto compressed = [](const std::string& name, const Bytes& bytes) {
    const std::filesystem::path path = corpus / "idx" / name;
    const gzFile out = gzopen(path.c_str(), "wb9");
    fuzz::require(
        out && gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())) > 0 && gzclose(out) == Z_OK,
        "zlib compresses");
  };
  compressed("compressed", plain);
  compressed("compressed_floats", floats);
  Bytes large{0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 28, 0, 0, 0, 28};
  large.resize(large.size() + 20 * 28 * 28, 7);
  compressed("compressed_images", large);
}

void forms() {
  const std::string type = "multipart/form-data; boundary=b", length(1, static_cast<char>(type.size()));
  seed("multipart", "two", length + type + "--b\r\nA: x\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n");
  seed("multipart", "before", length + type + "text\r\n--b \r\n\r\n\r\n--b--");
  seed("multipart", "quoted",
       "\x1b"
       "x/y;boundary=\"a b\"; c=d\n\n\n\n"
       "--a b\r\n\r\n1\r\n--a b--");
}

}  // namespace

int main(int argc, char** argv) {
  fuzz::require(argc == 2, "usage: fuzz_seeds FOLDER");
  corpus = argv[1];
  pictures();
  tensors();
  texts();
  configurations();
  arrays();
  forms();
}
