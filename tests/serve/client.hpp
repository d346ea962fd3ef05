// What tests and benchmarks of the server have in common: a client that may misbehave, byte by byte, and the
// program as a process of its own.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace serve_test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Reply {
  int status = 0;
  std::map<std::string, std::string> fields{};  ///< names in small letters
  std::string head{};
  std::string body{};
};

/// One connection to 127.0.0.1. Throws std::runtime_error when something does not come in time.
class Client {
 public:
  explicit Client(std::uint16_t port, std::chrono::milliseconds patience = 10s) : patience_(patience) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
  }
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        patience_(other.patience_),
        rest_(std::move(other.rest_)) {}
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  /// False when the server takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void shut() { ::shutdown(socket_, SHUT_WR); }

  /// The next answer; `bodiless` one to HEAD.
  Reply reply(bool bodiless = false) {
    std::size_t end = std::string::npos;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) more("an answer");
    Reply reply;
    reply.head = rest_.substr(0, end + 2);
    rest_.erase(0, end + 4);
    if (!reply.head.starts_with("HTTP/1.1 ")) throw std::runtime_error("no HTTP answer: " + reply.head);
    reply.status = std::atoi(reply.head.c_str() + 9);
    for (std::size_t at = reply.head.find("\r\n") + 2; at < reply.head.size();) {
      const std::size_t line = reply.head.find("\r\n", at), colon = reply.head.find(':', at);
      std::string name = reply.head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const std::size_t value = reply.head.find_first_not_of(' ', colon + 1);
      reply.fields[name] = reply.head.substr(value, line - value);
      at = line + 2;
    }
    const auto length = reply.fields.find("content-length");
    const std::size_t size =
        bodiless || length == reply.fields.end() ? 0 : std::strtoul(length->second.c_str(), nullptr, 10);
    while (rest_.size() < size) more("the rest of an answer");
    reply.body = rest_.substr(0, size);
    rest_.erase(0, size);
    return reply;
  }
  Reply ask(std::string_view request) {
    if (!send(request)) throw std::runtime_error("the server does not listen");
    return reply(request.starts_with("HEAD "));
  }

  /// Whether the server ends the connection, without another byte, within `time`.
  bool closed(std::chrono::milliseconds time) {
    char byte;
    return rest_.empty() && readable(time) && ::recv(socket_, &byte, 1, 0) <= 0;
  }

 private:
  bool readable(std::chrono::milliseconds time) const {
    pollfd ready{socket_, POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(time.count())) == 1;
  }
  void more(const char* what) {
    char bytes[16384];
    if (!readable(patience_)) throw std::runtime_error(std::string(what) + " does not come");
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) throw std::runtime_error("the connection ends before " + std::string(what));
    rest_.append(bytes, static_cast<std::size_t>(count));
  }

  int socket_ = -1;
  std::chrono::milliseconds patience_;
  std::string rest_{};  // received, and not yet part of an answer
};

inline std::string get(const std::string& path, const std::string& method = "GET") {
  return method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
inline std::string post(const std::string& path, std::string_view body,
                        const std::string& type = "image/png") {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
/// Several images as curl -F sends them, with the type that names the boundary.
inline std::pair<std::string, std::string> form(const std::vector<std::string>& images) {
  std::string body;
  for (const std::string& image : images)
    body +=
        "--limit\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.png\"\r\n"
        "Content-Type: image/png\r\n\r\n" +
        image + "\r\n";
  return {body + "--limit--\r\n", "multipart/form-data; boundary=limit"};
}

/// The program while it serves. What it writes goes to two files.
class Program {
 public:
  Program(const std::string& program, const std::vector<std::string>& arguments,
          const std::filesystem::path& folder)
      : out_(folder / "serve.out"), err_(folder / "serve.err") {
    std::vector<std::string> words{program, "serve", "--port", "0"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::filesystem::remove(out_);
    process_ = ::fork();
    if (process_ == 0) {
      const int none = ::open("/dev/null", O_RDONLY);
      const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(none, 0);
      ::dup2(out, 1);
      ::dup2(err, 2);
      for (const int file : {none, out, err}) ::close(file);
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      ::execv(program.c_str(), pointers.data());
      ::_exit(127);
    }
    const std::string listening = "listening on http://127.0.0.1:";
    for (const auto start = Clock::now(); port_ == 0; std::this_thread::sleep_for(5ms)) {
      const std::string text = out();
      if (const std::size_t at = text.find(listening); text.find('\n', at) != text.npos && at != text.npos)
        port_ = static_cast<std::uint16_t>(std::atoi(text.c_str() + at + listening.size()));
      if (Clock::now() - start > 60s || (port_ == 0 && ::waitpid(process_, nullptr, WNOHANG) != 0)) {
        process_ = -1;
        throw std::runtime_error("the program does not serve: " + err());
      }
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  std::uint16_t port() const { return port_; }
  Client client(std::chrono::milliseconds patience = 10s) const { return Client(port_, patience); }
  Reply ask(const std::string& request) const { return client().ask(request); }
  void signal(int number) const { ::kill(process_, number); }

  /// Waits for its end; its exit code, -1 when it was killed or does not end in time.
  int wait(std::chrono::milliseconds time = 15s) {
    for (const auto start = Clock::now(); Clock::now() - start < time; std::this_thread::sleep_for(5ms)) {
      int status = 0;
      if (::waitpid(process_, &status, WNOHANG) != process_) continue;
      process_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return -1;
  }

  std::string out() const { return text_of(out_); }
  std::string err() const { return text_of(err_); }

  std::size_t resident_bytes() const {
    std::size_t size = 0, resident = 0;
    std::ifstream("/proc/" + std::to_string(process_) + "/statm") >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }
  std::size_t open_files() const {
    const auto files = std::filesystem::directory_iterator("/proc/" + std::to_string(process_) + "/fd");
    return static_cast<std::size_t>(std::distance(files, std::filesystem::directory_iterator()));
  }

 private:
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path out_, err_;
  pid_t process_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace serve_test
