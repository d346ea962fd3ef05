// Runs the program as a user does, in a folder of its own.
#pragma once

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

/// A folder for everything a test writes; removed at its end.
struct Desk : TemporaryFolder {
  std::string operator/(const std::string& name) const { return (path / name).string(); }

  std::string text(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path / name).rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }

  Outcome run(const std::string& arguments) const { return wait(start(arguments)); }

  /// Starts the program and does not wait for it: its process.
  pid_t start(const std::string& arguments) const {
    // A shell that becomes the program, so that its number is the program's.
    const std::string command = "exec " + std::string(CAPTCHA_PROGRAM) + " " + arguments + " > '" +
                                (*this / "out") + "' 2> '" + (*this / "err") + "' < /dev/null";
    const pid_t program = ::fork();
    REQUIRE(program >= 0);
    if (program > 0) return program;
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  /// Waits for its end, by a signal: code -1.
  Outcome wait(pid_t program) const {
    int status = 0;
    REQUIRE(::waitpid(program, &status, 0) == program);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("out"), text("err")};
  }
};

inline void check_refused(const Outcome& outcome, int code, const std::string& says) {
  INFO(outcome.err);
  CHECK(outcome.code == code);
  CHECK_THAT(outcome.err, Catch::Contains(says));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.out.empty());
}
