// Numbers as text, and what something is in words that are compared: a run that goes on must be the run that
// was begun.
#pragma once

#include <captcha/config/compiled.hpp>

#include <charconv>
#include <concepts>
#include <string>

namespace captcha {

/// The shortest digits that read back as the same number.
template <class Number>
std::string shortest_digits(Number value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Text "name value, name value, …".
class Description {
 public:
  void add(const char* name, const std::string& value);
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number>
  void add(const char* name, Number value) {
    add(name, shortest_digits(+value));  // of a truth value 0 or 1
  }
  /// To six digits: of what was computed, and may be computed otherwise in its last bits.
  void add_rounded(const char* name, double value);
  /// What `part` says of itself: `describe(Description&) const`. Optimizers, losses and metrics may have it.
  template <class Part>
  void add_part(const Part& part) {
    if constexpr (requires { part.describe(*this); }) part.describe(*this);
  }

  std::string text{};
};

#if CAPTCHA_DEFINED_HERE
CAPTCHA_INLINE void Description::add(const char* name, const std::string& value) {
  text.append(text.empty() ? "" : ", ").append(name).append(" ").append(value);
}
CAPTCHA_INLINE void Description::add_rounded(const char* name, double value) {
  char digits[32];
  add(name,
      std::string(digits,
                  std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 6).ptr));
}
#endif

}  // namespace captcha
