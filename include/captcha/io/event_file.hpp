// Event files as TensorBoard reads them: numbers and pictures over the steps of a run.
//
// A file is a row of records (TFRecord): length, checksum of the length, event, checksum of the event. The
// checksum is CRC-32C (RFC 3720, appendix B.4), rotated and shifted. An event is a protobuf message
// (tensorflow/core/util/event.proto and framework/summary.proto).
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/error.hpp>
#include <captcha/io/protobuf.hpp>

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
  static ProtobufMessage event(std::size_t step);
  void write(const ProtobufMessage& event);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int file_ = -1;
};

#if CAPTCHA_DEFINED_HERE
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
    write(event(0).text(3, "brain.Event:2"));
    // SessionLog { status: START }
    write(event(first_step).message(7, ProtobufMessage().number(1, 1)));
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
  ProtobufMessage summary;
  for (const auto& [tag, value] : values)
    summary.message(1, ProtobufMessage().text(1, tag).real(2, static_cast<float>(value)));
  write(event(step).message(5, summary));
}

CAPTCHA_INLINE void EventFile::image(std::size_t step, const std::string& tag, const EventImage& image) {
  ProtobufMessage picture;
  picture.number(1, image.height).number(2, image.width).number(3, image.channels);
  picture.text(4, {reinterpret_cast<const char*>(image.png.data()), image.png.size()});
  const ProtobufMessage value = ProtobufMessage().text(1, tag).message(4, picture);
  write(event(step).message(5, ProtobufMessage().message(1, value)));
}

CAPTCHA_INLINE ProtobufMessage EventFile::event(std::size_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  ProtobufMessage begun;
  begun.real(1, std::chrono::duration<double>(now).count());
  return step == 0 ? begun
                   : begun.number(2, static_cast<std::int64_t>(step));  // 0 is what a missing field means
}

CAPTCHA_INLINE void EventFile::write(const ProtobufMessage& event) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int byte = 0; byte < bytes; ++byte) text += static_cast<char>(value >> 8 * byte & 0xFF);
    return text;
  };
  const auto checksum = [&](std::string_view bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return number((crc >> 15 | crc << 17) + 0xA282EAD8u, 4);
  };
  const std::string length = number(event.bytes().size(), 8);
  const std::string record = length + checksum(length) + event.bytes() + checksum(event.bytes());
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
