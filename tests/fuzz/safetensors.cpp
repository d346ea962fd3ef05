// SafetensorsFile::view, and load_weights from what it lets through: strictly, and with everything that may
// be adapted. After an Error the weights are as they were, bit for bit.
#include <captcha/io/weights_file.hpp>
#include <captcha/layers.hpp>

#include "fuzz.hpp"

using namespace captcha;
using fuzz::Bytes, fuzz::require;

namespace {

using Net =
    Chain<Named<"conv", Conv2d<2, 3, Conv{.kernel = {1, 1}}>>, GlobalAvgPool2d, Named<"fc", Linear<3, 2>>>;

void load(const SafetensorsFile& file, const LoadOptions& options) {
  Weights<Net> weights(1);
  const Weights<Net> before = weights;
  try {
    const LoadReport report = load_weights(file, "x", weights, options);
    require(report.loaded + report.adapted.size() > 0, "something was loaded");
    require(!options.strict || report.loaded == Weights<Net>::slots().size(), "strictly means everything");
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("x: "), "a message names the file");
    require(fuzz::same_bits(weights, before), "after an error the weights are as they were");
  }
}

}  // namespace

// The eight bytes of the length are not mutated: header and data are, one at a time, and the length is made
// right again.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::uint64_t length = 0;
  if (size >= sizeof length) std::memcpy(&length, data, sizeof length);
  if (seed % 8 == 0 || size < sizeof length || length > size - sizeof length)
    return LLVMFuzzerMutate(data, size, most);
  Bytes header(data + sizeof length, data + sizeof length + length);
  Bytes values(data + sizeof length + length, data + size);
  const auto mutate = [&](Bytes& part) {
    const std::size_t before = part.size();
    part.resize(before + 64);
    part.resize(LLVMFuzzerMutate(part.data(), before, part.size()));
  };
  mutate(seed % 8 < 6 ? header : values);
  length = header.size();
  Bytes made(sizeof length);
  std::memcpy(made.data(), &length, sizeof length);
  made.insert(made.end(), header.begin(), header.end());
  made.insert(made.end(), values.begin(), values.end());
  return fuzz::replace(data, size, most, made);
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Cost cost;
  try {
    const SafetensorsFile file = SafetensorsFile::view(fuzz::bytes_of(fuzz::text_of(data, size)), "x");
    std::size_t all = 0;
    for (const SafeTensor& tensor : file.tensors()) {
      require(file.find(tensor.name) == &tensor, "a tensor is found by its name");
      require(tensor_bytes(tensor.shape, tensor.dtype) == tensor.bytes.size(), "bytes fit the shape");
      require(to_vector<double>(tensor).size() == tensor.bytes.size() / info(tensor.dtype).size,
              "every value becomes a number");
      all += tensor.bytes.size();
    }
    require(all < size, "no byte belongs to two tensors");
    load(file, {});
    load(file, {.strict = false, .adapt = true});
    load(file, {.strict = false, .prefix = "p/"});
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with("x: ") ||
                std::string_view(error.what()).starts_with("x: damaged safetensors header"),
            "a message names the file");
  }
  require(cost.memory() < 16 * size + (std::size_t{2} << 20), "memory stays near the file's size");
  return 0;
}
