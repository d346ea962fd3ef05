// What `--json` prints.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdio>

namespace captcha::app {

/// Prints a report. File names may hold any bytes, JSON only UTF-8: what is not is shown as U+FFFD.
inline void print_report(const nlohmann::ordered_json& report) {
  std::printf("%s\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace captcha::app
