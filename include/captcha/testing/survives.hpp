// Trying what may crash.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace captcha {

/// Whether a function ends without a crash: it is tried in a process of its own.
template <class F>
bool survives(F&& function) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT}) ::signal(signal, SIG_DFL);
    function();
    ::_exit(0);
  }
  int status = 0;
  return child < 0 ||
         (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace captcha
