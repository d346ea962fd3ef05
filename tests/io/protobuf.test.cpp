// Messages byte by byte, as the description of the format has them.
#include <captcha/io/protobuf.hpp>

#include "catch.hpp"

#include <string>
#include <string_view>

using namespace captcha;
using namespace std::literals;

TEST_CASE("a message has the bytes that protobuf gives it") {
  const auto bytes = [](const ProtobufMessage& message) { return message.bytes(); };
  CHECK(bytes(ProtobufMessage().number(1, 150)) == "\x08\x96\x01");  // the format's own example
  CHECK(bytes(ProtobufMessage().number(16, 0)) == "\x80\x01\x00"sv);
  CHECK(bytes(ProtobufMessage().number(1, -1)) == "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
  CHECK(bytes(ProtobufMessage().real(3, 1.5f)) == "\x1D\x00\x00\xC0\x3F"sv);
  CHECK(bytes(ProtobufMessage().real(16, 1.5f)) == "\x85\x01\x00\x00\xC0\x3F"sv);
  CHECK(bytes(ProtobufMessage().real(1, -2.0)) == "\x09\x00\x00\x00\x00\x00\x00\x00\xC0"sv);
  const ProtobufMessage inner = ProtobufMessage().text(2, "testing");
  CHECK(inner.bytes() == "\x12\x07testing");
  CHECK(bytes(ProtobufMessage().number(1, 150).message(3, inner)) == "\x08\x96\x01\x1A\x09\x12\x07testing");
  CHECK(bytes(ProtobufMessage().text(1, std::string(300, 'x'))) == "\x0A\xAC\x02" + std::string(300, 'x'));
}
