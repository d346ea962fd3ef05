// An HTTP/1.1 server that is hard to hurt: every request has a deadline, and everything has a limit. It knows
// nothing of networks that learn; what it serves is an HttpHandler.
#pragma once

#include "http.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace captcha::app {

/// Listens at once; serves while `run` runs, in one thread.
class HttpServer {
 public:
  /// `port` 0 takes any that is free. Error when the address is wrong or taken.
  HttpServer(const std::string& address, std::uint16_t port, const HttpLimits& limits, HttpHandler& handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::uint16_t port() const;

  /// Calls `act(signal)` in the thread of `run` when the process gets that signal.
  void on_signal(int signal, std::function<void(int)> act);

  /// Serves until `stop`, then answers what is under way. Returns how many requests were cut off because
  /// they took longer than `drain`.
  std::size_t run();

  /// Accepts no more connections and closes those without a request. From any thread.
  void stop();

  std::size_t connections() const;  ///< that are open now; from the thread of `run`

  struct State;  ///< what its connections share

 private:
  std::unique_ptr<State> state_;
};

}  // namespace captcha::app
