// Event files as TensorBoard reads them: numbers and pictures over the steps of a run.
//
// A file is a row of records (TFRecord): length, checksum of the length, event, checksum of the event. The
// checksum is CRC-32C (RFC 3720, appendix B.4), rotated and shifted. An event is a protobuf message
// (tensorflow/core/util/event.proto and framework/summary.proto); the few fields that we write are put
// together by hand, which takes less than a dependency on protobuf and on those files would.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha {

/// CRC-32C: the remainder by the polynomial of Castagnoli et al. 1993.
constexpr std::uint32_t crc32c(std::string_view bytes) {
  constexpr auto table = [] {
    std::array<std::uint32_t, 256> of_byte{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      of_byte[byte] = byte;
      for (int bit = 0; bit < 8; ++bit)
        of_byte[byte] = of_byte[byte] >> 1 ^ (of_byte[byte] & 1 ? 0x82F63B78u : 0u);
    }
    return of_byte;
  }();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~crc;
}

/// A protobuf message under construction.
class ProtoMessage {
 public:
  ProtoMessage& whole(int field, std::uint64_t value);
  ProtoMessage& real(int field, float value);
  ProtoMessage& real(int field, double value);
  ProtoMessage& bytes(int field, std::string_view value);

  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value);
  void little_endian(std::uint64_t bits, int bytes);

  std::string text_;
};

/// A picture for an event: an encoded PNG, and what its header says too.
struct EventImage {
  int height;
  int width;
  int channels;  ///< 1 grey, 3 RGB, 4 RGBA
  std::span<const std::uint8_t> png;
};

/// One event file, which grows by whole records. POSIX only.
class EventFile {
 public:
  /// A new file in `folder`, beside those of earlier parts of the run. What these say of `first_step` and
  /// later steps is void from now on: a run that was killed goes on from its last checkpoint. Throws Error.
  EventFile(const std::filesystem::path& folder, std::size_t first_step);
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  ~EventFile();

  /// Adds values under their tags, such as "loss/train". Throws Error when they cannot be written.
  void scalars(std::size_t step, const std::vector<std::pair<std::string, double>>& values);
  void image(std::size_t step, const std::string& tag, const EventImage& image);

  const std::filesystem::path& path() const { return path_; }

 private:
  static ProtoMessage event(std::size_t step);
  void write(const ProtoMessage& event);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int file_ = -1;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void ProtoMessage::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(0x80 | (value & 0x7F));
  text_ += static_cast<char>(value);
}
CAPTCHA_INLINE void ProtoMessage::little_endian(std::uint64_t bits, int bytes) {
  for (int byte = 0; byte < bytes; ++byte) text_ += static_cast<char>(bits >> 8 * byte & 0xFF);
}
CAPTCHA_INLINE ProtoMessage& ProtoMessage::whole(int field, std::uint64_t value) {
  varint(static_cast<std::uint64_t>(field) << 3);
  varint(value);
  return *this;
}
CAPTCHA_INLINE ProtoMessage& ProtoMessage::real(int field, float value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 5);
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  little_endian(bits, 4);
  return *this;
}
CAPTCHA_INLINE ProtoMessage& ProtoMessage::real(int field, double value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 1);
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  little_endian(bits, 8);
  return *this;
}
CAPTCHA_INLINE ProtoMessage& ProtoMessage::bytes(int field, std::string_view value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 2);
  varint(value.size());
  text_ += value;
  return *this;
}

CAPTCHA_INLINE EventFile::EventFile(const std::filesystem::path& folder, std::size_t first_step) {
  // Read in the order of their names: seconds, then a number for those begun within one second.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  for (int number = 0; file_ < 0 && number < 1000; ++number) {
    char name[64];
    std::snprintf(name, sizeof name, "events.out.tfevents.%010lld.%03d", seconds, number);
    path_ = folder / name;
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0 && errno != EEXIST) break;
  }
  if (file_ < 0) fail("cannot be created");
  try {
    write(event(0).bytes(3, "brain.Event:2"));
    // SessionLog { status: START }
    write(event(first_step).bytes(7, ProtoMessage().whole(1, 1).text()));
  } catch (...) {
    ::close(file_);
    throw;
  }
}

CAPTCHA_INLINE EventFile::~EventFile() {
  ::close(file_);
}

CAPTCHA_INLINE void EventFile::scalars(std::size_t step,
                                       const std::vector<std::pair<std::string, double>>& values) {
  ProtoMessage summary;
  for (const auto& [tag, value] : values)
    summary.bytes(1, ProtoMessage().bytes(1, tag).real(2, static_cast<float>(value)).text());
  write(event(step).bytes(5, summary.text()));
}

CAPTCHA_INLINE void EventFile::image(std::size_t step, const std::string& tag, const EventImage& image) {
  const auto size = [](int value) { return static_cast<std::uint64_t>(value); };
  const std::string_view png(reinterpret_cast<const char*>(image.png.data()), image.png.size());
  ProtoMessage picture;
  picture.whole(1, size(image.height)).whole(2, size(image.width)).whole(3, size(image.channels));
  const ProtoMessage value = ProtoMessage().bytes(1, tag).bytes(4, picture.bytes(4, png).text());
  write(event(step).bytes(5, ProtoMessage().bytes(1, value.text()).text()));
}

CAPTCHA_INLINE ProtoMessage EventFile::event(std::size_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  ProtoMessage begun;
  begun.real(1, std::chrono::duration<double>(now).count());
  return step == 0 ? begun : begun.whole(2, step);  // 0 is what a missing field means
}

CAPTCHA_INLINE void EventFile::write(const ProtoMessage& event) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int byte = 0; byte < bytes; ++byte) text += static_cast<char>(value >> 8 * byte & 0xFF);
    return text;
  };
  const auto checksum = [&](std::string_view bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return number((crc >> 15 | crc << 17) + 0xA282EAD8u, 4);
  };
  const std::string length = number(event.text().size(), 8);
  const std::string record = length + checksum(length) + event.text() + checksum(event.text());
  for (std::size_t at = 0; at < record.size();) {
    const ssize_t written = ::write(file_, record.data() + at, record.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot be written");
    at += static_cast<std::size_t>(written);
  }
}

CAPTCHA_INLINE void EventFile::fail(const char* what) const {
  throw Error(path_.string() + ": " + what + ": " + std::strerror(errno));
}
#endif

}  // namespace captcha
