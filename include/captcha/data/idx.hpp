// Reads IDX files, the format of MNIST and its relatives.
#pragma once

#include <captcha/core/error.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace captcha {

/// A type that an IDX file can hold.
template <class T>
concept IdxValue =
    std::same_as<T, std::uint8_t> || std::same_as<T, std::int8_t> || std::same_as<T, std::int16_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, float> || std::same_as<T, double>;

/// The type byte in the header of an IDX file of T.
template <IdxValue T>
inline constexpr std::uint8_t idx_code = std::same_as<T, std::uint8_t>   ? 0x08
                                         : std::same_as<T, std::int8_t>  ? 0x09
                                         : std::same_as<T, std::int16_t> ? 0x0B
                                         : std::same_as<T, std::int32_t> ? 0x0C
                                         : std::same_as<T, float>        ? 0x0D
                                                                         : 0x0E;

/// What an IDX file holds: for MNIST's images the shape is (N, 28, 28), for its labels (N). Last axis
/// innermost.
template <IdxValue T>
struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<T> values;
};

inline constexpr std::size_t max_idx_bytes = std::size_t{1} << 30;  ///< of values, after inflating

/// Reads an IDX file, plain or gzip-compressed, of values of type T and at most 1 GiB. Throws Error if the
/// type is another, or if the file is shorter or longer than its header says, or damaged (gzip: CRC-32).
/// Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998), file formats.
template <IdxValue T = std::uint8_t>
IdxArray<T> read_idx(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) { throw Error(path.string() + ": " + why); };
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) fail(failed ? failed.message() : "not a regular file");
  const std::uintmax_t file_size = std::filesystem::file_size(path, failed);
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) fail("cannot be opened");

  // gzread hands a file through that is not compressed, so one path serves both.
  const auto read = [&](void* to, std::size_t size, const char* what) {
    auto* at = static_cast<unsigned char*>(to);
    while (size > 0) {
      const int got = gzread(file.get(), at, static_cast<unsigned>(std::min(size, std::size_t{1} << 24)));
      int code = Z_OK;
      const char* reason = gzerror(file.get(), &code);
      if (got < 0 || code != Z_OK) fail("cannot be read (" + std::string(what) + "): " + reason);
      if (got == 0) fail("cut short in its " + std::string(what) + "; copy the file again");
      at += got;
      size -= static_cast<std::size_t>(got);
    }
  };

  std::array<std::uint8_t, 4> magic{};
  read(magic.data(), magic.size(), "header");
  if (magic[0] != 0 || magic[1] != 0 || magic[3] == 0)
    fail("not an IDX file (expected two zero bytes, a type and the number of axes)");
  if (magic[2] != idx_code<T>)
    fail("holds values of IDX type " + std::to_string(magic[2]) + ", expected type " +
         std::to_string(idx_code<T>) + "; choose the type of read_idx<T> to match");

  // Deflate cannot blow data up by more than 1032 times, so a header that claims more than that is a lie.
  const std::uintmax_t possible = gzdirect(file.get()) == 1 ? file_size : file_size * 1032;
  const std::size_t most =
      static_cast<std::size_t>(std::min<std::uintmax_t>(possible, max_idx_bytes)) / sizeof(T);
  IdxArray<T> array;
  std::size_t count = 1;
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::array<std::uint8_t, 4> bytes{};
    read(bytes.data(), bytes.size(), "header");
    const std::size_t extent = std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 |
                               std::size_t{bytes[2]} << 8 | std::size_t{bytes[3]};
    array.shape.push_back(extent);
    if (extent != 0 && count > most / extent)
      fail("its header claims more values than the file can hold or than 1 GiB, at axis " +
           std::to_string(axis) + " of extent " + std::to_string(extent));
    count *= extent;
  }
  array.values.resize(count);
  read(array.values.data(), count * sizeof(T), "values");
  char surplus = 0;
  int code = Z_OK;
  const int got = gzread(file.get(), &surplus, 1);
  const char* reason = gzerror(file.get(), &code);
  if (got > 0) fail("longer than its header says (" + std::to_string(count) + " values)");
  if (got < 0 || code != Z_OK) fail(std::string("damaged: ") + reason);

  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little)
    for (T& value : array.values) {
      std::array<std::uint8_t, sizeof(T)> bytes{};
      std::memcpy(bytes.data(), &value, sizeof(T));
      std::ranges::reverse(bytes);
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
  return array;
}

}  // namespace captcha
