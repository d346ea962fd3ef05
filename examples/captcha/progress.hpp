// How far a long command is, and a Ctrl-C that ends it tidily.
#pragma once

#include <captcha/train/progress_line.hpp>
#include <captcha/train/stop_on_signal.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace captcha::app {

/// Thrown where a command notices that SIGINT or SIGTERM came: what it made so far is undone on the way.
struct Interrupted {
  int signal;
};

/// While it lives, a signal is noticed where `stop_if_asked` is called, so that files are written whole or
/// not at all; a second one ends the program at once.
class Interruptible {
 public:
  static void stop_if_asked() {
    if (const int signal = StopOnSignal::received(); signal != 0) throw Interrupted{signal};
  }

 private:
  StopOnSignal stop_;
};

/// A bar with rate and time left on standard error where that is a terminal, else a line every five seconds;
/// nothing when quiet. progress(done, all) throws Interrupted; progress(all, all) makes room for results.
class Progress {
 public:
  Progress(std::string what, bool quiet) : what_(std::move(what)), quiet_(quiet), line_(stderr) {}

  void operator()(std::size_t done, std::size_t all) {
    Interruptible::stop_if_asked();
    if (done == all) return line_.wipe();
    if (quiet_ || !line_.due()) return;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    const double rate = static_cast<double>(done) / passed.count();
    char text[128];
    std::snprintf(text, sizeof text, " %s %zu/%zu  %.0f/s  ", ProgressLine::bar(done, all).c_str(), done, all,
                  rate);
    line_.show(what_ + text +
               (rate > 0 ? ProgressLine::clock_text(static_cast<double>(all - done) / rate) + " left" : ""));
  }

 private:
  std::string what_;
  bool quiet_;
  Interruptible interruptible_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace captcha::app
