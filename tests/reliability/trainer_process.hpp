// The trainer program as a process, and what a run of it leaves behind.
#pragma once

#include <captcha/io/safetensors.hpp>
#include <captcha/train/run_folder.hpp>

#include "catch.hpp"
#include "recorded_call.hpp"
#include "sanitizer.hpp"
#include "without_clock.hpp"
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reliability {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// Of the calls at which something is to happen, each so many: starting a process under a sanitizer takes
/// long.
inline constexpr std::size_t every = sanitized ? 11 : 1;

inline std::string text_of(const fs::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

/// How a process ended: `code`, or 128 + the number of the signal that killed it, and what it said.
struct Outcome {
  int code = 0;
  std::string said{};
};

/// A running trainer.
class Trainer {
 public:
  /// `shim` are the variables that the shim is told besides the folder, which is the one around `folder`.
  explicit Trainer(const fs::path& folder, const Words& options = {}, const Words& shim = {}) {
    Words words{CAPTCHA_TRAINER, folder.string()};
    words.insert(words.end(), options.begin(), options.end());
    Words variables = shim;
    variables.insert(variables.end(),
                     {"LD_PRELOAD=" CAPTCHA_SHIM, "SHIM_FOLDER=" + folder.parent_path().string()});
    for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    said_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int failed = ::posix_spawn(&id_, CAPTCHA_TRAINER, &actions, nullptr, pointers(words).data(),
                                     pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    INFO(std::strerror(failed));
    REQUIRE(failed == 0);
  }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  ~Trainer() {
    if (id_ == 0) return;
    send(SIGKILL);
    wait();
  }

  pid_t id() const { return id_; }
  void send(int signal) const { ::kill(id_, signal); }

  Outcome wait() {
    Outcome outcome;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(said_, bytes, sizeof bytes)) > 0;)
      outcome.said.append(bytes, static_cast<std::size_t>(got));
    ::close(said_);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

 private:
  static std::vector<char*> pointers(Words& words) {
    std::vector<char*> all;
    for (std::string& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
  }

  pid_t id_ = 0;
  int said_ = -1;
};

inline constexpr int killed = 128 + SIGKILL;

inline Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline Outcome run(const fs::path& folder, const Words& options = {}, const Words& shim = {}) {
  return Trainer(folder, options, shim).wait();
}
inline Outcome resume(const fs::path& folder, const Words& options, const Words& shim = {}) {
  return run(folder, with(options, {"resume=1"}), shim);
}

/// A checkpoint's tensors and metadata in one text, without the steps of the checkpoints beside it: those
/// depend on when the run was stopped.
inline std::string content(const fs::path& checkpoint) {
  const captcha::SafetensorsFile file = captcha::SafetensorsFile::read(checkpoint);
  std::string all;
  for (const auto& [key, value] : file.metadata()) {
    std::string text = without_clock(value);
    if (const std::size_t kept = text.find(",\"kept\":["); kept != std::string::npos)
      text.erase(kept, text.find(']', kept) + 1 - kept);
    all += key + "=" + text + "\n";
  }
  for (const captcha::SafeTensor& tensor : file.tensors())
    all.append(tensor.name)
        .append("=")
        .append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())
        .append("\n");
  return all;
}

/// All that two runs must agree in: each file of the folder by its name, without what tells of the clock.
inline std::map<std::string, std::string> ending(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "metrics.csv")  // holds the same as metrics.jsonl
      files[name] = std::to_string(std::ranges::count(text_of(entry), '\n')) + " lines";
    else if (name.starts_with("checkpoint-"))
      files[name] = content(entry);
    else
      files[name] = without_clock(text_of(entry));
  }
  return files;
}

/// What a run that was stopped must share with one that was not: which checkpoints
/// there are beside the newest depends on where it was stopped.
inline std::map<std::string, std::string> result(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const char* name : {"final.safetensors", "best.safetensors", "metrics.jsonl"})
    all[name] = without_clock(text_of(folder / name));
  const fs::path newest = captcha::checkpoints_of(folder).at(0);
  all[newest.filename().string()] = content(newest);
  return all;
}

/// The names of the files that differ, or that only one of them has; empty when there are none.
inline std::string difference(const std::map<std::string, std::string>& one,
                              const std::map<std::string, std::string>& other) {
  std::string names;
  for (const auto& [name, text] : one)
    if (const auto found = other.find(name); found == other.end() || found->second != text)
      names += (found == other.end() ? "only in the first: " : "differs: ") + name + "; ";
  for (const auto& [name, text] : other)
    if (!one.contains(name)) names += "only in the second: " + name + "; ";
  return names;
}

inline std::size_t unfinished(const fs::path& folder) {
  std::size_t count = 0;
  if (fs::exists(folder))
    for (const auto& entry : fs::directory_iterator(folder))
      count += entry.path().filename().string().starts_with(".unfinished-");
  return count;
}

/// A call that the shim recorded.
struct Call {
  Operation operation;
  int file;
  std::string one, two;

  std::string name() const { return operation_names[static_cast<std::size_t>(operation)]; }
};

inline std::vector<Call> recorded(const fs::path& log) {
  const std::string text = text_of(log);
  std::vector<Call> calls;
  for (std::size_t at = 0; at < text.size();) {
    RecordedCall call;
    std::memcpy(&call, text.data() + at, sizeof call);
    at += sizeof call;
    calls.push_back(
        {call.operation, call.file, text.substr(at, call.one), text.substr(at + call.one, call.two)});
    at += call.one + call.two;
  }
  return calls;
}

/// What each call was about: "write .unfinished", "rename best.safetensors", "open run".
inline Words subjects(const std::vector<Call>& calls) {
  std::map<int, std::string> open;
  Words all;
  for (const Call& call : calls) {
    std::string path = !call.two.empty() ? call.two : call.one;
    if (call.operation == Operation::open) open[call.file] = call.one;
    if (call.file >= 0) path = open[call.file];
    std::string name = fs::path(path).filename().string();
    if (name.starts_with(".unfinished-")) name = ".unfinished";
    if (name.starts_with("checkpoint-")) name = "checkpoint";
    all.push_back(call.name() + " " + name);
  }
  return all;
}

/// A run that nothing disturbed, and the calls that it made.
struct Undisturbed {
  std::map<std::string, std::string> files{};
  std::vector<Call> calls{};

  Undisturbed(const fs::path& around, const Words& options) {
    const fs::path folder = around / "run", log = around.string() + ".log";
    fs::remove_all(around);
    fs::create_directories(around);
    const Outcome outcome = run(folder, options, {"SHIM_LOG=" + log.string()});
    INFO(outcome.said);
    REQUIRE(outcome.code == 0);
    files = ending(folder);
    calls = recorded(log);
    fs::remove(log);
  }
};

/// Several ways to train that differ in what is saved when.
inline std::vector<Words> ways() {
  return {{}, {"epochs=30", "patience=2", "accumulate=2", "average=0", "keep=1", "steps=2", "loaders=0"}};
}

}  // namespace reliability
