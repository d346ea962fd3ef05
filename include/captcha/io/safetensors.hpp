// Reads and writes safetensors files: a table of names and arrays, nothing else. Everything is checked before
// anything is given out; our own files carry hashes, so that no damaged bit goes unnoticed.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/atomic_file.hpp>
#include <captcha/io/json.hpp>
#include <captcha/io/mapped_file.hpp>
#include <captcha/io/safe_tensor.hpp>
#include <captcha/io/safetensors_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if CAPTCHA_DEFINED_HERE
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // GCC 12 takes _mm512_undefined_epi32 for an uninitialised read (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

namespace captcha {

/// The metadata keys under which our files keep their hashes, all XXH3-64 (Collet 2020) in hexadecimal:
/// of each tensor (name, type, shape and bytes), and of all other metadata.
inline constexpr std::string_view hash_prefix = "captcha.hash.";
inline constexpr std::string_view tensor_hash_prefix = "captcha.hash.tensor.";
inline constexpr std::string_view metadata_hash_key = "captcha.hash.metadata";
inline constexpr std::string_view hash_algorithm_key = "captcha.hash.algorithm";

/// 16 hexadecimal digits that cover the tensor's name, type, shape and bytes.
CAPTCHA_INLINE std::string hash_text(std::span<const std::byte> bytes, std::string_view description);
CAPTCHA_INLINE std::string tensor_hash(const SafeTensor& tensor);
/// Covers every key and value but its own.
CAPTCHA_INLINE std::string metadata_hash(const std::map<std::string, std::string>& metadata);

/// Whether a file's hashes were there and right, or whether it had none (other writers' files have none).
enum class Integrity { verified, absent };

/// A safetensors file, mapped into memory (see MappedFile). Move-only; the tensors' bytes live as long as it
/// does.
class SafetensorsFile {
 public:
  /// Checks a whole file. Throws Error that names the file, and the tensor or the byte, if anything is amiss:
  /// a header that is too long or damaged, an unknown type, a shape that does not fit its bytes, bytes that
  /// overlap, leave holes or stay unused, or a hash that is missing or wrong. Memory beside the file's own:
  /// at most that of its header and 1 MiB (which leaves room for some 12,000 tensors), whatever it claims.
  static SafetensorsFile read(const std::filesystem::path& path);

  /// The same from bytes that somebody else keeps; `name` is what messages call them.
  static SafetensorsFile view(std::span<const std::byte> bytes, const std::string& name);

  /// All tensors in the order of the header.
  const std::vector<SafeTensor>& tensors() const { return tensors_; }
  /// The tensor of that name, or nullptr.
  const SafeTensor* find(std::string_view name) const;
  /// What the writer noted, without the hashes.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  Integrity integrity() const { return integrity_; }

 private:
  void parse(std::span<const std::byte> bytes, const std::string& name);

  /// Sorts the ranges, and makes sure that they cover the data once and fit their tensors.
  static void check_layout(SafetensorsHeader& header, std::size_t data_size, const std::string& file);

  void index_names();

  void verify_hashes();

  std::string name_;
  MappedFile mapped_;
  std::vector<SafeTensor> tensors_;
  std::vector<std::size_t> by_name_;
  std::map<std::string, std::string> metadata_;
  Integrity integrity_ = Integrity::absent;
};

/// Writes tensors and metadata, with hashes unless they are not wanted, in one atomic step (see
/// write_file_atomically). The same input
/// gives the same bytes: tensors of larger values come first, so that each is aligned, and otherwise keep
/// their order. Throws Error if a name is empty, taken twice or not UTF-8, or if bytes do not fit a shape;
/// nothing is written then.
CAPTCHA_INLINE void write_safetensors(const std::filesystem::path& path, std::span<const SafeTensor> tensors,
                                      std::map<std::string, std::string> metadata = {}, bool hashed = true);

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE SafetensorsFile SafetensorsFile::read(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.mapped_ = MappedFile(path);
  file.parse(file.mapped_.bytes(), path.string());
  return file;
}

CAPTCHA_INLINE SafetensorsFile SafetensorsFile::view(std::span<const std::byte> bytes,
                                                     const std::string& name) {
  SafetensorsFile file;
  file.parse(bytes, name);
  return file;
}

CAPTCHA_INLINE const SafeTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(by_name_, name, {},
                                              [&](auto i) -> std::string_view { return tensors_[i].name; });
  return found != by_name_.end() && tensors_[*found].name == name ? &tensors_[*found] : nullptr;
}

CAPTCHA_INLINE void SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  name_ = name;
  const auto fetch = [&](std::size_t count) {
    if (!mapped_.fetch(count))
      throw Error(name + ": cannot be read to its end: the disk fails, or it was cut short meanwhile");
  };
  std::uint64_t length = 0;
  if (bytes.size() < sizeof(length))
    throw Error(name + ": " + std::to_string(bytes.size()) + " bytes, too short for a safetensors file");
  fetch(sizeof(length));
  std::memcpy(&length, bytes.data(), sizeof(length));
  const std::size_t rest = bytes.size() - sizeof(length);
  if (length > max_safetensors_header || length > rest)
    throw Error(name + ": not a safetensors file, or cut short: it claims a header of " +
                std::to_string(length) + " bytes, expected at most " +
                std::to_string(std::min(max_safetensors_header, rest)));
  const std::size_t header_end = sizeof(length) + static_cast<std::size_t>(length);
  fetch(header_end);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof(length),
                              static_cast<std::size_t>(length));
  const std::span<const std::byte> data = bytes.subspan(header_end);
  constexpr std::size_t spare = std::size_t{960} << 10;
  SafetensorsHeader header = parse_safetensors_header(text, std::min(text.size(), data.size()) + spare, name);
  check_layout(header, data.size(), name);
  fetch(bytes.size());  // not before it is known that the file is no hole of a thousand gigabytes
  tensors_ = std::move(header.tensors);
  for (const DataRange& range : header.ranges)
    tensors_[range.tensor].bytes = data.subspan(range.begin, range.end - range.begin);
  metadata_ = std::move(header.metadata);
  index_names();
  verify_hashes();
}

CAPTCHA_INLINE void SafetensorsFile::check_layout(SafetensorsHeader& header, std::size_t data_size,
                                                  const std::string& file) {
  std::ranges::sort(header.ranges, {},
                    [](const DataRange& range) { return std::pair(range.begin, range.end); });
  std::size_t at = 0;
  for (const auto& [begin, end, index] : header.ranges) {
    const SafeTensor& tensor = header.tensors[index];
    const auto fail = [&, first = begin, last = end](const std::string& what) {
      throw Error(file + ": tensor " + shown(tensor.name) + ", data " + std::to_string(first) + " to " +
                  std::to_string(last) + ": " + what);
    };
    if (begin > end) fail("ends before it begins");
    if (end > data_size) fail("the file has only " + std::to_string(data_size) + " bytes of data");
    if (begin < at) fail("overlaps the tensor before it, expected to begin at " + std::to_string(at));
    if (begin > at) fail("leaves a hole before it, expected to begin at " + std::to_string(at));
    if (tensor_bytes(tensor.shape, tensor.dtype) != end - begin)
      fail("does not fit its shape " + shape_text(tensor.shape) + " of " +
           std::string(info(tensor.dtype).name));
    at = end;
  }
  if (at != data_size)
    throw Error(file + ": the tensors end at byte " + std::to_string(at) + " of the data, but it has " +
                std::to_string(data_size));
}

CAPTCHA_INLINE void SafetensorsFile::index_names() {
  by_name_.resize(tensors_.size());
  for (std::size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = i;
  const auto name_of = [&](std::size_t i) -> const std::string& { return tensors_[i].name; };
  std::ranges::sort(by_name_, {}, name_of);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name_of);
  if (twice != by_name_.end()) throw Error(name_ + ": tensor " + shown(name_of(*twice)) + " is there twice");
}

CAPTCHA_INLINE void SafetensorsFile::verify_hashes() {
  const auto first = metadata_.lower_bound(std::string(hash_prefix));
  if (first == metadata_.end() || !first->first.starts_with(hash_prefix)) return;
  const auto check = [&](const std::string& key, const std::string& expected, const std::string& what) {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) throw Error(name_ + ": the hash of " + what + " is missing");
    if (found->second != expected)
      throw Error(name_ + ": " + what + " is damaged (wrong hash); copy the file again, or drop the " +
                  std::string(hash_prefix) + "* metadata if you changed it on purpose");
  };
  check(std::string(hash_algorithm_key), "XXH3-64", "the hash algorithm");
  check(std::string(metadata_hash_key), metadata_hash(metadata_), "the metadata");
  for (const SafeTensor& tensor : tensors_)
    check(std::string(tensor_hash_prefix) + tensor.name, tensor_hash(tensor), "tensor " + shown(tensor.name));
  const std::size_t hashes =
      std::erase_if(metadata_, [](const auto& item) { return item.first.starts_with(hash_prefix); });
  if (hashes != tensors_.size() + 2) throw Error(name_ + ": it has hashes of tensors that are not there");
  integrity_ = Integrity::verified;
}

CAPTCHA_INLINE std::string hash_text(std::span<const std::byte> bytes, std::string_view description) {
  const std::uint64_t seed = XXH3_64bits(description.data(), description.size());
  const std::uint64_t hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[hash >> shift & 15];
  return text;
}

CAPTCHA_INLINE std::string tensor_hash(const SafeTensor& tensor) {
  return hash_text(tensor.bytes,
                   std::string(info(tensor.dtype).name) + " " + shape_text(tensor.shape) + " " + tensor.name);
}

CAPTCHA_INLINE std::string metadata_hash(const std::map<std::string, std::string>& metadata) {
  std::string all;
  for (const auto& [key, value] : metadata)
    if (key != metadata_hash_key)
      all += std::to_string(key.size()) + ":" + key + std::to_string(value.size()) + ":" + value;
  return hash_text({}, all);
}

CAPTCHA_INLINE void write_safetensors(const std::filesystem::path& path, std::span<const SafeTensor> tensors,
                                      std::map<std::string, std::string> metadata, bool hashed) {
  const auto fail = [&](const std::string& what) { throw Error(path.string() + ": not written: " + what); };
  for (const auto& [key, value] : metadata)
    if (!is_utf8(key) || !is_utf8(value) || key.starts_with(hash_prefix))
      fail("metadata " + shown(key) + " is not UTF-8, or its name is reserved for hashes");
  metadata[std::string(hash_algorithm_key)] = "XXH3-64";
  std::vector<const SafeTensor*> order;
  for (const SafeTensor& tensor : tensors) {
    if (tensor.name.empty() || tensor.name == "__metadata__" || !is_utf8(tensor.name))
      fail("a tensor is called " + shown(tensor.name));
    if (tensor.shape.size() > max_tensor_axes ||
        tensor_bytes(tensor.shape, tensor.dtype) != tensor.bytes.size())
      fail("tensor " + shown(tensor.name) + ": " + std::to_string(tensor.bytes.size()) +
           " bytes do not fit its shape " + shape_text(tensor.shape) + " of " +
           std::string(info(tensor.dtype).name));
    if (!metadata.emplace(std::string(tensor_hash_prefix) + tensor.name, tensor_hash(tensor)).second)
      fail("two tensors are called " + shown(tensor.name));
    order.push_back(&tensor);
  }
  metadata[std::string(metadata_hash_key)] = metadata_hash(metadata);
  if (!hashed)
    std::erase_if(metadata, [](const auto& entry) { return entry.first.starts_with(hash_prefix); });
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [](const SafeTensor* tensor) { return info(tensor->dtype).size; });

  std::string header = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) header += json_string(key) + ":" + json_string(value) + ",";
  if (!metadata.empty()) header.pop_back();
  header += '}';
  std::vector<std::span<const std::byte>> parts(2);
  std::size_t at = 0;
  for (const SafeTensor* tensor : order) {
    header.append(",").append(json_string(tensor->name)).append(":{\"dtype\":\"");
    header.append(info(tensor->dtype).name).append("\",\"shape\":[");
    for (std::size_t axis = 0; axis < tensor->shape.size(); ++axis)
      header.append(axis == 0 ? "" : ",").append(std::to_string(tensor->shape[axis]));
    header.append("],\"data_offsets\":[").append(std::to_string(at)).append(",");
    header.append(std::to_string(at + tensor->bytes.size())).append("]}");
    at += tensor->bytes.size();
    parts.push_back(tensor->bytes);
  }
  header += "}";
  // The data starts on a cache line.
  header.resize((sizeof(std::uint64_t) + header.size() + 63) / 64 * 64 - sizeof(std::uint64_t), ' ');
  if (header.size() > max_safetensors_header) fail("its header would be above 100 MB");
  const std::uint64_t length = header.size();
  parts[0] = std::as_bytes(std::span(&length, 1));
  parts[1] = std::as_bytes(std::span(header));
  write_file_atomically(path, parts);
}
#endif

}  // namespace captcha
