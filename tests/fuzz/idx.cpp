// read_idx, plain and gzip-compressed, as bytes and as numbers of four bytes: what is accepted has as many
// values as its shape says.
#include <captcha/data/idx.hpp>

#include "fuzz.hpp"
#include <zlib.h>

using namespace captcha;
using fuzz::Bytes, fuzz::require;

namespace {

template <class T>
void read(const fuzz::MemoryFile& file) {
  try {
    const IdxArray<T> array = read_idx<T>(file.path());
    std::size_t count = 1;
    for (const std::size_t extent : array.shape) count *= extent;
    require(array.values.size() == count, "as many values as the shape says");
    const IdxArray<T> again = read_idx<T>(file.path());
    require(again.shape == array.shape && fuzz::same_bits<T>(again.values, array.values), "the same again");
  } catch (const Error& error) {
    require(std::string_view(error.what()).starts_with(file.path() + ": "), "a message names the file");
  }
}

Bytes gunzip(std::span<const std::uint8_t> compressed, std::size_t most) {
  Bytes bytes(most);
  z_stream stream{};
  require(::inflateInit2(&stream, 31) == Z_OK, "zlib starts");
  stream.next_in = const_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  ::inflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  ::inflateEnd(&stream);
  return bytes;
}

Bytes gzip(Bytes& bytes) {
  Bytes compressed(bytes.size() + 256);
  z_stream stream{};
  require(::deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib starts");
  stream.next_in = bytes.data();
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = compressed.data();
  stream.avail_out = static_cast<uInt>(compressed.size());
  require(::deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses");
  compressed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return compressed;
}

}  // namespace

// Half of the changes to a compressed file are made to what it holds.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const bool compressed = size > 2 && data[0] == 0x1F && data[1] == 0x8B;
  if (!compressed || seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  Bytes bytes = gunzip({data, size}, most);
  const std::size_t before = bytes.size();
  bytes.resize(before + 64);
  bytes.resize(LLVMFuzzerMutate(bytes.data(), before, bytes.size()));
  return fuzz::replace(data, size, most, gzip(bytes));
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file({data, size});
  const fuzz::Cost cost;
  read<std::uint8_t>(file);
  read<float>(file);
  // Twice the values, for they are read again, and what zlib holds.
  require(cost.memory() < 2 * 1032 * size + (std::size_t{1} << 20), "memory stays near what can be inflated");
  return 0;
}
