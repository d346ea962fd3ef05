// Bodies of several parts, as forms and `curl -F` send them.
// Source: RFC 2046, section 5.1 (Freed and Borenstein 1996); RFC 7578 (Masinter 2015).
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace captcha::app {

/// The type without parameters, in small letters: "image/png" of "Image/PNG; x=y".
inline std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type;
}

/// The parameter `boundary` of a content type; empty when there is none that the standard allows.
inline std::string boundary_of(std::string_view content_type) {
  constexpr std::string_view name = "boundary=";
  const auto found =
      std::search(content_type.begin(), content_type.end(), name.begin(), name.end(),
                  [](char theirs, char ours) { return theirs == ours || theirs + 32 == ours; });
  if (found == content_type.end()) return "";
  std::string_view value(found + name.size(), content_type.end());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    const std::size_t end = value.find('"');
    if (end == value.npos) return "";
    value = value.substr(0, end);
  } else {
    value = value.substr(0, value.find_first_of("; \t"));
  }
  constexpr std::string_view letters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ";
  const bool allowed = value.size() <= 70 && value.find_first_not_of(letters) == value.npos;
  return allowed ? std::string(value) : "";
}

/// The contents of the parts, which point into `body`. Nothing when it is not put together as the standard
/// says, or has more than `most` parts.
inline std::optional<std::vector<std::string_view>> split_multipart(std::string_view body,
                                                                    const std::string& boundary,
                                                                    std::size_t most) {
  const std::string mark = "--" + boundary, next = "\r\n" + mark;
  if (boundary.empty()) return std::nullopt;
  // A text before the first mark is allowed, and says nothing.
  std::size_t at = body.starts_with(mark) ? 0 : body.find(next);
  if (at == body.npos) return std::nullopt;
  at += at == 0 ? mark.size() : next.size();
  std::vector<std::string_view> parts;
  while (true) {
    const std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return parts;
    const std::size_t line = rest.find("\r\n");
    if (line == rest.npos || rest.substr(0, line).find_first_not_of(" \t") < line || parts.size() == most)
      return std::nullopt;
    // Headers end with an empty line, which is the first one when there are none.
    const std::size_t headers = rest.find("\r\n\r\n", line);
    const std::size_t end = headers == rest.npos ? rest.npos : rest.find(next, headers + 2);
    if (end == rest.npos) return std::nullopt;
    parts.push_back(rest.substr(std::min(headers + 4, end), end - std::min(headers + 4, end)));
    at += end + next.size();
  }
}

}  // namespace captcha::app
