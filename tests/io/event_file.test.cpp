// Event files byte by byte: checksums, framing, and the fields of a message. tests/train/tensorboard.test.cpp
// lets another reader read them.
#include <captcha/io/event_file.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

using namespace captcha;
using namespace std::literals;

namespace {

std::string bytes_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("CRC-32C gives the values of RFC 3720") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43u);
}

TEST_CASE("an event file begins as TensorFlow's do") {
  const TemporaryFolder folder;
  std::filesystem::path path;
  {
    EventFile file(folder.path, 0);
    path = file.path();
  }
  const std::string text = bytes_of(path);
  // A record of 24 bytes, the checksum of that length, a time, and the version.
  REQUIRE(text.size() == 12 + 24 + 4 + 12 + 13 + 4);
  CHECK(text.substr(0, 13) == "\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7f\x4b\x22\x09"sv);
  CHECK(text.substr(21, 15) ==
        "\x1a\x0d"
        "brain.Event:2");
  CHECK(text.substr(40, 8) == "\x0d\x00\x00\x00\x00\x00\x00\x00"sv);
  CHECK(text.substr(61, 4) == "\x3a\x02\x08\x01");  // session_log { status: START }
}

TEST_CASE("every part of a run has a file of its own, in the order of their names") {
  const TemporaryFolder folder;
  const EventFile first(folder.path, 0), second(folder.path, 7), third(folder.path, 9);
  CHECK(first.path() < second.path());
  CHECK(second.path() < third.path());
  CHECK_THROWS_WITH(EventFile(folder.path / "none", 0), Catch::Contains("cannot be created: No such file"));
}
