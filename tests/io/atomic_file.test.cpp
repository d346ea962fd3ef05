// Atomic files: the old file or the new one, whatever fails, and nothing left behind.
#include <captcha/core/error.hpp>
#include <captcha/io/atomic_file.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace captcha;

namespace {

struct Folder : TemporaryFolder {
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
};

void write(const std::filesystem::path& target, const std::vector<std::string>& texts) {
  std::vector<std::span<const std::byte>> parts;
  for (const std::string& text : texts) parts.push_back(std::as_bytes(std::span(text)));
  write_file_atomically(target, parts);
}
std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::string message(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// No file may grow beyond `bytes` while this lives: a full disk for one process.
struct FullDisk {
  rlimit before{};
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit now{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, SIG_DFL);
  }
};

}  // namespace

TEST_CASE("the parts become one file, which replaces the old one") {
  const Folder folder;
  const std::filesystem::path file = folder.path / "a";
  write(file, {"one ", "", "two"});
  CHECK(content(file) == "one two");
  write(file, {});
  CHECK(content(file).empty());
  const std::string large(5'000'000, 'x');
  write(file, {large, "end"});
  CHECK(content(file) == large + "end");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a new file has the usual permissions, a replaced one keeps its own") {
  const Folder folder;
  const std::filesystem::path file = folder.path / "a";
  const mode_t mask = ::umask(022);
  write(file, {"x"});
  ::umask(mask);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(file).permissions() == static_cast<perms>(0644));
  std::filesystem::permissions(file, static_cast<perms>(0600));
  write(file, {"y"});
  CHECK(std::filesystem::status(file).permissions() == static_cast<perms>(0600));
}

TEST_CASE("a full disk leaves the old file and nothing else, wherever it strikes") {
  const Folder folder;
  const std::filesystem::path file = folder.path / "a";
  write(file, {"old"});
  const std::string text(1000, 'n');
  for (rlim_t room = 0; room < 3000; room += 499) {
    const FullDisk full(room);
    const std::string why = message([&] { write(file, {text, text, text}); });
    INFO(room << ": " << why);
    CHECK(why.starts_with(file.string() + ": cannot be written: "));
    CHECK(content(file) == "old");
    CHECK(folder.entries() == 1);
  }
  write(file, {text, text, text});
  CHECK(content(file) == text + text + text);
}

TEST_CASE("what cannot be written is named, with the reason") {
  const Folder folder;
  CHECK(message([&] { write(folder.path / "none" / "a", {"x"}); }).find("No such file or directory") !=
        std::string::npos);
  std::filesystem::create_directory(folder.path / "taken");
  CHECK(message([&] { write(folder.path / "taken", {"x"}); }).find("cannot be replaced") !=
        std::string::npos);
  CHECK(folder.entries() == 1);
}

TEST_CASE("a name without a folder means the current one, and an unfinished file of another is left alone") {
  const Folder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  write("here", {"x"});
  std::filesystem::current_path(before);
  CHECK(content(folder.path / "here") == "x");
  {
    AtomicFile abandoned(folder.path / "here");
    abandoned.write(std::as_bytes(std::span(std::string_view("half"))));
    CHECK(folder.entries() == 2);
  }
  CHECK(content(folder.path / "here") == "x");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a link stays, and what it leads to is replaced") {
  const Folder folder;
  std::filesystem::create_directories(folder.path / "far");
  write(folder.path / "far/real", {"old"});
  std::filesystem::create_symlink("far/real", folder.path / "link");
  write(folder.path / "link", {"new"});
  CHECK(std::filesystem::is_symlink(folder.path / "link"));
  CHECK(content(folder.path / "far/real") == "new");
  CHECK(folder.entries() == 2);
}

TEST_CASE("what is no file is written into, and stays what it is") {
  const Folder folder;
  const auto device = folder.path / "null", pipe = folder.path / "pipe";
  std::filesystem::create_symlink("/dev/null", device);
  write(device, {"nothing"});
  CHECK(std::filesystem::is_character_file(device));
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string read;
  std::thread reader([&] { read = content(pipe); });
  write(pipe, {"one ", "two"});
  reader.join();
  CHECK(read == "one two");
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(folder.entries() == 2);
}
