// One line for each request. A log that nobody reads must not stop a server: lines that standard output does
// not take at once are dropped, and counted.
#pragma once

#include "http.hpp"
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace captcha::app {

/// At most `most` bytes of what a client sent, with nothing in it that could break a line or a terminal.
inline std::string printable(std::string_view text, std::size_t most = 128) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string safe;
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '\\')
      safe += c;
    else
      safe.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  if (text.size() > most) safe += "...";
  return safe.empty() ? "-" : safe;
}

/// 2026-11-25T06:01:02.345Z
inline std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> date;
  std::array<char, 64> whole;
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(whole.data(), whole.size(), "%s.%03dZ", date.data(), static_cast<int>(millis));
  return whole.data();
}

/// Time, client, method, path, status, bytes received and sent, milliseconds.
inline std::string log_line(const HttpRecord& record) {
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, " %d %zu %zu %.2f\n", record.status, record.received, record.sent,
                1000 * record.seconds);
  return timestamp() + " " + (record.peer.empty() ? "-" : record.peer) + " " + printable(record.method, 16) +
         " " + printable(record.path) + numbers;
}

/// Writes a line of less than 4096 bytes to `file`; false when it would have had to wait.
inline bool write_line(int file, std::string_view line) {
  pollfd ready{file, POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
         ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace captcha::app
