// Messages in the wire format of Protocol Buffers, written field by field. ONNX files are such messages, and
// TensorBoard's event files hold some; what writing them takes is this page, so no generated code and no
// library is needed for it.
// Format: https://protobuf.dev/programming-guides/encoding
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace captcha {

/// One message. Fields are known by their numbers in the .proto file, and may be repeated.
class ProtobufMessage {
 public:
  const std::string& bytes() const { return bytes_; }

  /// A whole number: int32, int64, bool or enum.
  ProtobufMessage& number(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtobufMessage& real(int field, float value) {
    key(field, 5);
    return little_endian(std::bit_cast<std::uint32_t>(value));
  }
  ProtobufMessage& real(int field, double value) {
    key(field, 1);
    return little_endian(std::bit_cast<std::uint64_t>(value));
  }
  /// A string or bytes.
  ProtobufMessage& text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  ProtobufMessage& message(int field, const ProtobufMessage& value) { return text(field, value.bytes()); }

 private:
  template <class Bits>
  ProtobufMessage& little_endian(Bits bits) {
    for (std::size_t byte = 0; byte < sizeof bits; ++byte)
      bytes_ += static_cast<char>(bits >> 8 * byte & 0xFF);
    return *this;
  }
  void key(int field, unsigned wire_type) { varint(static_cast<std::uint64_t>(field) << 3 | wire_type); }
  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace captcha
