// Strict JSON, read piece by piece into what the caller expects: no tree, no more memory than allowed,
// nothing to nest too deep, and errors that name the byte. (nlohmann/json.hpp was measured at 5.7 s of
// compile time a unit.) Format: RFC 8259.
#pragma once

#include <captcha/config/compiled.hpp>
#include <captcha/core/description.hpp>
#include <captcha/core/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace captcha {

/// Is this well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF)?
constexpr bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const unsigned first = byte(at);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xC2 && first < 0xE0 ? 2
                               : (first & 0xF0) == 0xE0        ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0) return false;
    for (std::size_t i = 1; i < length; ++i)
      if ((byte(at + i) & 0xC0) != 0x80) return false;
    const unsigned second = byte(at + 1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
      return false;
    at += length;
  }
  return true;
}

/// The text as a JSON string.
CAPTCHA_INLINE std::string json_string(std::string_view text);

/// A number as JSON: the shortest digits that read back as the same number; null when it is not finite.
CAPTCHA_INLINE std::string json_number(double value);

/// The same, but an infinite one is the text "inf" or "-inf", so that JsonReader::real reads back what it
/// was.
CAPTCHA_INLINE std::string json_real(double value);

/// A name as messages show it: quoted, on one line, and not too long.
CAPTCHA_INLINE std::string shown(std::string_view name);

/// A walk over JSON text. Each call takes the next piece, which must be of the kind asked for, or throws
/// Error that starts with `where`. What the calls return takes at most `memory` bytes in all.
class JsonReader {
 public:
  JsonReader(std::string_view text, std::size_t memory, std::string where)
      : text_(text), memory_(memory), where_(std::move(where)) {}

  [[noreturn]] void fail(const std::string& what) const;
  /// Counts bytes that the caller is about to allocate.
  void charge(std::size_t bytes) {
    if (bytes > memory_) fail("it would take more memory than the file is worth");
    memory_ -= bytes;
  }
  /// Steps over `wanted` if it comes next.
  bool accept(char wanted);
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("expected ") + wanted);
  }
  /// An object: each(key) takes the value of one member.
  template <class Each>
  void members(Each each) {
    expect('{');
    if (accept('}')) return;
    do {
      std::string key = string();
      expect(':');
      each(std::move(key));
    } while (accept(','));
    expect('}');
  }

  std::string string();
  /// A whole number that is not negative.
  std::size_t number();
  /// Any number; null, which stands for not-a-number; or "inf" or "-inf", for which JSON has no numbers.
  double real();
  /// A list: each() takes one item.
  template <class Each>
  void items(Each each) {
    expect('[');
    if (accept(']')) return;
    do each();
    while (accept(','));
    expect(']');
  }
  /// A list of at most `most` whole numbers.
  std::vector<std::size_t> numbers(std::size_t most);
  /// The end: nothing but spaces may be left.
  void finish() const {
    if (text_.find_first_not_of(' ', at_) != text_.npos) fail("text behind the closing brace");
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  void escape(std::string& value);
  std::uint32_t hex4();

  std::string_view text_;
  std::size_t memory_;
  std::string where_;
  std::size_t at_ = 0;
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void JsonReader::fail(const std::string& what) const {
  throw Error(where_ + ", byte " + std::to_string(at_) + ": " + what);
}

CAPTCHA_INLINE bool JsonReader::accept(char wanted) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

CAPTCHA_INLINE std::string JsonReader::string() {
  expect('"');
  std::size_t end = at_;
  while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2u : 1u;
  if (end >= text_.size()) fail("a string without end");
  std::string value;
  if (end - at_ > value.capacity()) charge(end - at_ + 1);  // short ones need no memory of their own
  value.reserve(end - at_);
  while (at_ < end) {
    const char c = text_[at_++];
    if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
    if (c == '\\')
      escape(value);
    else
      value += c;
  }
  ++at_;
  if (!is_utf8(value)) fail("a string that is not UTF-8");
  return value;
}

CAPTCHA_INLINE std::size_t JsonReader::number() {
  skip_space();
  const std::size_t start = at_;
  std::size_t value = 0;
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const auto digit = static_cast<std::size_t>(text_[at_] - '0');
    if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10) fail("a number above 2^64");
    value = value * 10 + digit;
  }
  if (at_ == start || (text_[start] == '0' && at_ - start > 1)) fail("expected a whole number");
  return value;
}

CAPTCHA_INLINE double JsonReader::real() {
  skip_space();
  if (text_.substr(at_, 4) == "null") {
    at_ += 4;
    return std::numeric_limits<double>::quiet_NaN();
  }
  for (const std::string_view infinity : {R"("inf")", R"("-inf")"})
    if (text_.substr(at_, infinity.size()) == infinity) {
      at_ += infinity.size();
      return (infinity[1] == '-' ? -1 : 1) * std::numeric_limits<double>::infinity();
    }
  double value = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) fail("expected a number");
  at_ = static_cast<std::size_t>(end - text_.data());
  return value;
}

CAPTCHA_INLINE std::vector<std::size_t> JsonReader::numbers(std::size_t most) {
  std::vector<std::size_t> values;
  items([&] {
    if (values.size() == most) fail("a list of more than " + std::to_string(most) + " numbers");
    values.push_back(number());
  });
  charge(values.capacity() * sizeof(std::size_t));
  return values;
}

CAPTCHA_INLINE void JsonReader::escape(std::string& value) {
  constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
  const char c = text_[at_++];
  if (const std::size_t known = from.find(c); known != from.npos) {
    value += to[known];
    return;
  }
  if (c != 'u') fail("an unknown escape in a string");
  std::uint32_t code = hex4();
  if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const std::uint32_t low = hex4();
    code = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xD800;
  }
  const auto put = [&](std::uint32_t bits) { value += static_cast<char>(bits); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xE0 | code >> 12);
    } else {
      put(0xF0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3F));
    }
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));  // half a surrogate pair ends here too, and is refused as not UTF-8
}

CAPTCHA_INLINE std::uint32_t JsonReader::hex4() {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    constexpr std::string_view digits = "0123456789abcdef";
    const char c = at_ < text_.size() ? text_[at_] : '"';
    const std::size_t digit = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    if (digit == digits.npos) fail("four hexadecimal digits must follow \\u");
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  return code;
}

CAPTCHA_INLINE std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      quoted += {'\\',
                 'u',
                 '0',
                 '0',
                 digits[static_cast<std::size_t>(c >> 4)],
                 digits[static_cast<std::size_t>(c & 15)]};
    else
      quoted += c;
  }
  return quoted + '"';
}

CAPTCHA_INLINE std::string json_number(double value) {
  return std::isfinite(value) ? shortest_digits(value) : "null";
}

CAPTCHA_INLINE std::string json_real(double value) {
  return std::isinf(value) ? json_string(value < 0 ? "-inf" : "inf") : json_number(value);
}

CAPTCHA_INLINE std::string shown(std::string_view name) {
  return json_string(name.substr(0, 100));
}
#endif

}  // namespace captcha
