// A library for LD_PRELOAD that stands between a program and the system calls with which it saves. It counts
// those that concern what lies below one folder, and at one of them kills the program or lets the call fail;
// or it records all of them. Told by environment variables:
//   SHIM_FOLDER  the folder, as the program names it
//   SHIM_DO      kill-before, kill-after, fail (that call), fail-on (that one and all later ones),
//                full (later calls that need room fail, those that remove do not), short (every write is cut)
//   SHIM_CALL    the number of that call, 1 for the first
//   SHIM_ERRNO   why it fails
//   SHIM_LOG     a file that each call is appended to, see recorded_call.hpp
//   SHIM_READS   set: the calls that list folders and read files count as well
// Nothing is synced: a program that is killed loses nothing of what it wrote, and no test waits for a disk.
#include "recorded_call.hpp"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

namespace {

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

struct Plan {
  std::string_view folder = variable("SHIM_FOLDER"), what = variable("SHIM_DO");
  int call = std::atoi(std::string(variable("SHIM_CALL")).c_str());
  int reason = std::atoi(std::string(variable("SHIM_ERRNO")).c_str());
  bool reads = !variable("SHIM_READS").empty();
  int log = -1;

  Plan() {
    const std::string file(variable("SHIM_LOG"));
    if (!file.empty())
      log = next(&::open, "open")(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  }
};

const Plan& plan() {
  static const Plan the_plan;
  return the_plan;
}

std::array<std::atomic<bool>, 1024> ours{};  // the descriptors of files in the folder
std::atomic<::DIR*> our_listing{nullptr};    // one at a time
std::atomic<int> calls{0};

bool concerns(const char* path) {
  const std::string_view folder = plan().folder, name = path;
  return !folder.empty() && name.starts_with(folder) &&
         (name.size() == folder.size() || name[folder.size()] == '/');
}
bool concerns(int file) {
  return file >= 0 && file < 1024 && ours[static_cast<std::size_t>(file)];
}

void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

void record(const RecordedCall& call, std::string_view one, std::string_view two) {
  const auto append = [](const void* bytes, std::size_t size) {
    if (next(&::write, "write")(plan().log, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  };
  append(&call, sizeof call);
  append(one.data(), one.size());
  append(two.data(), two.size());
}

/// One call: `needs_room` says whether it fails on a full disk, `real` does it. Returns what it returns, or
/// `failed`.
template <class Result, class Real>
Result pass(Operation operation, bool needs_room, int file, std::string_view one, std::string_view two,
            Result failed, Real real) {
  const int number = ++calls;
  const bool now = number == plan().call, since = plan().call > 0 && number >= plan().call;
  if (now && plan().what == "kill-before") die();
  if ((now && plan().what == "fail") || (since && plan().what == "fail-on") ||
      (since && needs_room && plan().what == "full")) {
    if (operation == Operation::close) real();  // Linux closes it in any case
    errno = plan().reason;
    return failed;
  }
  const Result result = real();
  const int reason = errno;
  if constexpr (std::is_same_v<Result, int>)
    if (operation == Operation::open) file = result;
  if (plan().log >= 0 && (result != failed || operation == Operation::readdir))  // which has none at its end
    record({operation, file, one.size(), two.size()}, one, two);
  if (now && plan().what == "kill-after") die();
  errno = reason;
  return result;
}

template <class Real>
int open_file(const char* path, int flags, Real real) {
  const bool concerned = concerns(path);
  const int file = concerned ? pass(Operation::open, (flags & O_CREAT) != 0, -1, path, {}, -1, real) : real();
  if (file >= 0 && file < 1024) ours[static_cast<std::size_t>(file)] = concerned;
  return file;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, [&] { return next(&::open, "open")(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, [&] { return next(&::openat, "openat")(folder, path, flags, mode); });
}

int close(int file) {
  const auto real = [&] { return next(&::close, "close")(file); };
  if (!concerns(file)) return real();
  ours[static_cast<std::size_t>(file)] = false;
  return pass(Operation::close, false, file, {}, {}, -1, real);
}

ssize_t write(int file, const void* bytes, size_t size) {
  const auto real = [&] { return next(&::write, "write")(file, bytes, size); };
  if (!concerns(file)) return real();
  if (plan().what == "short") size = 1 + size / 3;
  return pass(Operation::write, true, file, {static_cast<const char*>(bytes), size}, {}, ssize_t{-1}, real);
}

int fsync(int file) {
  if (!concerns(file)) return next(&::fsync, "fsync")(file);
  return pass(Operation::fsync, true, file, {}, {}, -1, [] { return 0; });
}

int ftruncate(int file, off_t size) noexcept {
  const auto real = [&] { return next(&::ftruncate, "ftruncate")(file, size); };
  if (!concerns(file)) return real();
  const std::string text = std::to_string(size);
  return pass(Operation::ftruncate, true, file, text, {}, -1, real);
}

int fchmod(int file, mode_t mode) noexcept {
  const auto real = [&] { return next(&::fchmod, "fchmod")(file, mode); };
  return concerns(file) ? pass(Operation::fchmod, true, file, {}, {}, -1, real) : real();
}

int flock(int file, int how) noexcept {
  const auto real = [&] { return next(&::flock, "flock")(file, how); };
  return concerns(file) ? pass(Operation::flock, false, file, {}, {}, -1, real) : real();
}

int rename(const char* from, const char* to) noexcept {
  const auto real = [&] { return next(&::rename, "rename")(from, to); };
  return concerns(to) ? pass(Operation::rename, true, -1, from, to, -1, real) : real();
}

int unlink(const char* path) noexcept {
  const auto real = [&] { return next(&::unlink, "unlink")(path); };
  return concerns(path) ? pass(Operation::unlink, false, -1, path, {}, -1, real) : real();
}

int remove(const char* path) noexcept {
  const auto real = [&] { return next(&::remove, "remove")(path); };
  return concerns(path) ? pass(Operation::unlink, false, -1, path, {}, -1, real) : real();
}

int mkdir(const char* path, mode_t mode) noexcept {
  const auto real = [&] { return next(&::mkdir, "mkdir")(path, mode); };
  return concerns(path) ? pass(Operation::mkdir, true, -1, path, {}, -1, real) : real();
}

DIR* opendir(const char* path) {
  const auto real = [&] { return next(&::opendir, "opendir")(path); };
  if (!plan().reads || !concerns(path)) return real();
  return our_listing = pass(Operation::opendir, false, -1, path, {}, static_cast<DIR*>(nullptr), real);
}

dirent* readdir(DIR* listing) {
  const auto real = [&] { return next(&::readdir, "readdir")(listing); };
  if (listing != our_listing) return real();
  return pass(Operation::readdir, false, -1, {}, {}, static_cast<dirent*>(nullptr), real);
}

int closedir(DIR* listing) {
  if (listing == our_listing) our_listing = nullptr;
  return next(&::closedir, "closedir")(listing);
}

ssize_t read(int file, void* bytes, size_t size) {
  const auto real = [&] { return next(&::read, "read")(file, bytes, size); };
  if (!concerns(file) || !plan().reads) return real();
  return pass(Operation::read, false, file, {}, {}, ssize_t{-1}, real);
}

void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  const auto real = [&] { return next(&::mmap, "mmap")(at, size, protection, flags, file, offset); };
  if (!concerns(file) || !plan().reads) return real();
  return pass(Operation::mmap, false, file, {}, {}, MAP_FAILED, real);
}

}  // extern "C"
