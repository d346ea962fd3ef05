// Lines of the log.
#include "access_log.hpp"

#include "catch.hpp"
#include <fcntl.h>

#include <algorithm>

using namespace captcha::app;

TEST_CASE("nothing that a client sent can break a line of the log, or a terminal that shows it") {
  CHECK(printable("/v1/predict") == "/v1/predict");
  CHECK(printable("/a b\r\nc\x1b[2J\"\\\xff\x7f") == R"(/a\x20b\x0d\x0ac\x1b[2J\x22\x5c\xff\x7f)");
  CHECK(printable(std::string("\0", 1)) == R"(\x00)");
  CHECK(printable("") == "-");
  CHECK(printable(std::string(500, 'a')) == std::string(128, 'a') + "...");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const char c : printable(all, 256)) CHECK((c > 0x20 && c < 0x7F));
}

TEST_CASE("a line tells when, who, what, how it ended, how much and how long") {
  const std::string line = log_line({.peer = "127.0.0.1:5",
                                     .method = "POST",
                                     .path = "/v1/predict",
                                     .status = 200,
                                     .received = 1500,
                                     .sent = 99,
                                     .seconds = 0.00234});
  CHECK(line.substr(24) == " 127.0.0.1:5 POST /v1/predict 200 1500 99 2.34\n");
  CHECK((line[4] == '-' && line[10] == 'T' && line[19] == '.' && line[23] == 'Z'));
  CHECK(log_line({.status = 400}).substr(24) == " - - - 400 0 0 0.00\n");
}

TEST_CASE("a log that nobody reads takes lines until it is full, and then stops nobody") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const std::string line(1000, 'x');
  int taken = 0;
  while (taken < 1000 && write_line(ends[1], line)) ++taken;
  CHECK(taken > 10);
  CHECK(taken < 1000);
  CHECK_FALSE(write_line(ends[1], line));
  std::string read(100'000, ' ');
  CHECK(::read(ends[0], read.data(), read.size()) == 1000 * taken);
  CHECK(write_line(ends[1], line));
  ::close(ends[0]);
  ::close(ends[1]);
}
