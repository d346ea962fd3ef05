// Numbers as people read them.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>

namespace captcha::app {

/// `value` with so many decimals; "-" when it is not a number.
inline std::string decimals(double value, int count) {
  if (!std::isfinite(value)) return "-";
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", count, value);
  return text;
}

/// "97.31 %", or "-".
inline std::string percent(double share, int count = 2) {
  return std::isfinite(share) ? decimals(100 * share, count) + " %" : "-";
}

}  // namespace captcha::app
