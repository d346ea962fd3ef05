// Requests and replies as the server's routes see them; http_server.hpp moves them over the network.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace captcha::app {

/// A request that is whole, or, before its body is read, its head.
struct HttpRequest {
  std::string method{};
  std::string path{};          ///< without the query; as it was sent, nothing decoded
  std::string query{};         ///< what stands behind the first `?`
  std::string content_type{};  ///< as it was sent, with parameters
  std::string fetch_site{};    ///< `Sec-Fetch-Site`, with which browsers say whose page asks
  std::string body{};

  /// Whether the query has the parameter `name` with the value 1.
  bool asks(std::string_view name) const {
    for (std::string_view rest = query; !rest.empty();) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      if (pair.size() == name.size() + 2 && pair.starts_with(name) && pair.ends_with("=1")) return true;
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    }
    return false;
  }
};

/// What one client may use up. Memory stays below connections x (body + twice headers).
struct HttpLimits {
  static constexpr std::size_t fields = 100;   ///< headers: each takes more memory than its bytes
  std::size_t body = std::size_t{64} << 10;    ///< bytes of a body
  std::size_t headers = std::size_t{8} << 10;  ///< bytes of a request line with its headers
  std::size_t connections = 256;               ///< at the same time
  std::chrono::milliseconds deadline{5000};    ///< for a request to arrive whole, and to be answered
  std::chrono::milliseconds idle{5000};        ///< how long a connection may be silent between requests
  std::chrono::milliseconds drain{5000};       ///< for requests that are under way when the server stops
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> fields{};  ///< more of the header
};

/// Takes the answer to a request: once, from any thread. Later calls do nothing.
using Respond = std::function<void(HttpReply)>;

/// What was answered, for logs and metrics.
struct HttpRecord {
  std::string peer{};
  std::string method{};
  std::string path{};  ///< empty where the request could not be read
  int status = 0;
  std::size_t received = 0;  ///< bytes of the body
  std::size_t sent = 0;      ///< bytes of the body
  double seconds = 0;        ///< from the first byte of the request to the last of the answer
};

/// What a server serves. All calls come from the server's thread and must return soon.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// The answer to a request that is refused before its body is read; nothing when it may come.
  virtual std::optional<HttpReply> refuse(const HttpRequest& head) = 0;
  /// Answers a request: calls `respond` now or later.
  virtual void answer(HttpRequest request, Respond respond) = 0;
  /// The answer to what is no proper request, or too much of one.
  virtual HttpReply failure(int status) = 0;
  /// Called after each answer.
  virtual void answered(const HttpRecord& record) = 0;
};

}  // namespace captcha::app
