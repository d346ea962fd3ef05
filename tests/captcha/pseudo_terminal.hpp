// The program on a terminal, as a person meets it.
#pragma once

#include "catch.hpp"
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

struct TerminalOutcome {
  int code;  ///< 128 + the number where a signal ended it, as a shell says it
  std::string screen;
};

/// Runs a shell command on a terminal of so many columns; `signal`, when not 0, is sent as soon as `sign`
/// stands on the screen.
inline TerminalOutcome run_on_terminal(const std::string& command, unsigned short columns,
                                       const std::string& sign = "", int signal = 0) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = columns;
  int screen = -1;
  const pid_t program = ::forkpty(&screen, nullptr, nullptr, &size);
  REQUIRE(program >= 0);
  if (program == 0) {
    ::setenv("TERM", "xterm", 1);
    ::execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  TerminalOutcome outcome{-1, ""};
  char bytes[4096];
  pollfd ready{screen, POLLIN, 0};
  while (::poll(&ready, 1, 60'000) == 1) {
    const ssize_t count = ::read(screen, bytes, sizeof bytes);
    if (count <= 0) break;  // the other side is closed
    outcome.screen.append(bytes, static_cast<std::size_t>(count));
    if (signal != 0 && outcome.screen.find(sign) != std::string::npos) {
      ::kill(program, signal);
      signal = 0;
    }
  }
  int status = 0;
  ::waitpid(program, &status, 0);
  ::close(screen);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}
