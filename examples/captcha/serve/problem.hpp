// Errors for clients, as application/problem+json (RFC 9457, Nottingham, Wilde and Dalal 2023). What they say
// is written here and nowhere else: no message of an exception, which might name files, reaches a client.
#pragma once

#include <captcha/data/image_error.hpp>

#include "http.hpp"
#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace captcha::app {

/// What a status means, in the words of RFC 9110 and RFC 6585.
constexpr std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

struct Problem {
  int status = 500;
  std::string detail{};
  std::string kind{};                  ///< of an image, one of captcha::ImageFault
  std::optional<std::size_t> image{};  ///< which one of several, from 0
};

inline HttpReply to_reply(const Problem& problem) {
  nlohmann::ordered_json body{{"type", "about:blank"},
                              {"title", title_of(problem.status)},
                              {"status", problem.status},
                              {"detail", problem.detail}};
  if (!problem.kind.empty()) body["kind"] = problem.kind;
  if (problem.image) body["image"] = *problem.image;
  HttpReply reply{.status = problem.status, .type = "application/problem+json", .body = body.dump()};
  if (problem.status == 429 || problem.status == 503) reply.fields.emplace_back("Retry-After", "1");
  return reply;
}

/// What is wrong with an image; `expected` says which size is right.
inline Problem image_problem(ImageFault fault, const std::string& expected) {
  const auto problem = [&](int status, const std::string& detail) {
    return Problem{.status = status, .detail = detail, .kind = std::string(to_string(fault))};
  };
  switch (fault) {
    case ImageFault::not_png:
      return problem(415, "The image is not a PNG.");
    case ImageFault::unsupported:
      return problem(415, "The PNG has 16 bits per sample; up to 8 are read.");
    case ImageFault::truncated:
      return problem(422, "The PNG ends too early.");
    case ImageFault::crc:
      return problem(422, "A checksum in the PNG is wrong: it was damaged on its way.");
    case ImageFault::size:
      return problem(422, "The image has a wrong size; " + expected);
    default:
      return problem(422, "The PNG breaks a rule of its format.");
  }
}

}  // namespace captcha::app
