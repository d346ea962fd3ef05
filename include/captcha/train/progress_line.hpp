// A line of a terminal that is written over and over, or lines now and then where there is no terminal.
#pragma once

#include <captcha/config/compiled.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace captcha {

/// Whether a stream is a terminal that understands more than letters.
CAPTCHA_INLINE bool is_terminal(std::FILE* stream);

/// What stands on a terminal when it is destroyed, by an exception too, is wiped away: the next message gets
/// a line of its own.
class ProgressLine {
 public:
  explicit ProgressLine(std::FILE* stream) : stream_(stream), terminal_(is_terminal(stream)) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { wipe(); }

  /// Whether it is time to show something again: ten times a second on a terminal, else every five seconds.
  bool due();
  /// Shows a state that will pass; on a terminal cut to its width.
  void show(const std::string& text);
  /// Writes a line that stays.
  void keep(const std::string& text);
  void wipe();

  /// "[====>    ]"
  static std::string bar(std::size_t done, std::size_t all);
  /// "1:02" or "1:02:03"
  static std::string clock_text(double seconds);

 private:
  std::FILE* stream_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE bool is_terminal(std::FILE* stream) {
  const char* const kind = std::getenv("TERM");
  return ::isatty(::fileno(stream)) == 1 && !(kind && std::string_view(kind) == "dumb");
}

CAPTCHA_INLINE bool ProgressLine::due() {
  const auto now = std::chrono::steady_clock::now();
  if (std::chrono::duration<double>(now - shown_).count() < (terminal_ ? 0.1 : 5.0)) return false;
  shown_ = now;
  return true;
}

CAPTCHA_INLINE void ProgressLine::show(const std::string& text) {
  if (!terminal_) return keep(text);
  winsize size{};
  const bool known = ::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const std::size_t fits = known ? size.ws_col - 1u : text.size();  // a full line would scroll
  std::fprintf(stream_, "\r%s\033[K", text.substr(0, fits).c_str());
  std::fflush(stream_);
  drawn_ = true;
}

CAPTCHA_INLINE void ProgressLine::keep(const std::string& text) {
  wipe();
  std::fprintf(stream_, "%s\n", text.c_str());
  std::fflush(stream_);
}

CAPTCHA_INLINE void ProgressLine::wipe() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
  drawn_ = false;
}

CAPTCHA_INLINE std::string ProgressLine::bar(std::size_t done, std::size_t all) {
  constexpr std::size_t width = 20;
  const std::size_t filled = all == 0 ? 0 : std::min(width, width * done / all);
  std::string text = "[";
  for (std::size_t i = 0; i < width; ++i) text += i < filled ? '=' : i == filled ? '>' : ' ';
  return text + "]";
}

CAPTCHA_INLINE std::string ProgressLine::clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}
#endif

}  // namespace captcha
