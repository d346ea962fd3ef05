// The server alone, with a handler that says what it was asked, over real sockets: limits, deadlines, and
// clients that misbehave.
#include "http_server.hpp"

#include "catch.hpp"
#include "client.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

using namespace captcha::app;
using namespace serve_test;

namespace {

/// Answers "METHOD path?query body"; /refused is refused by its head; /held is answered by `release`.
class Echo : public HttpHandler {
 public:
  std::optional<HttpReply> refuse(const HttpRequest& head) override {
    if (head.path != "/refused") return std::nullopt;
    return HttpReply{.status = 404, .type = "text/plain", .body = "no"};
  }
  void answer(HttpRequest request, Respond respond) override {
    HttpReply reply{.type = "text/plain",
                    .body = request.method + " " + request.path + "?" + request.query + " " + request.body};
    if (request.path == "/throws") throw std::runtime_error("a handler that throws");
    if (request.path != "/held") return respond(std::move(reply));
    const std::lock_guard lock(guard_);
    held_.emplace_back(std::move(respond), std::move(reply));
  }
  HttpReply failure(int status) override {
    return {.status = status, .type = "text/plain", .body = "failure " + std::to_string(status)};
  }
  void answered(const HttpRecord& record) override {
    const std::lock_guard lock(guard_);
    records_.push_back(record);
  }

  std::size_t held() const {
    const std::lock_guard lock(guard_);
    return held_.size();
  }
  void release() {
    const std::lock_guard lock(guard_);
    for (auto& [respond, reply] : held_) respond(std::move(reply));
    held_.clear();
  }
  std::vector<HttpRecord> records() const {
    const std::lock_guard lock(guard_);
    return records_;
  }

 private:
  mutable std::mutex guard_;
  std::vector<std::pair<Respond, HttpReply>> held_;
  std::vector<HttpRecord> records_;
};

/// A server and the thread it runs in.
struct Running {
  explicit Running(HttpLimits limits = {}) : server("127.0.0.1", 0, limits, echo) {
    port = server.port();
    thread = std::thread([this] { cut_off = server.run(); });
  }
  ~Running() { stop(); }
  std::size_t stop() {
    server.stop();
    if (thread.joinable()) thread.join();
    return cut_off;
  }
  Client client() const { return Client(port); }
  Reply ask(const std::string& request) const { return client().ask(request); }
  void wait_until_held(std::size_t count) const {
    const auto start = Clock::now();
    while (echo.held() < count && Clock::now() - start < 10s) std::this_thread::sleep_for(1ms);
    REQUIRE(echo.held() == count);
  }

  Echo echo{};
  HttpServer server;
  std::uint16_t port = 0;
  std::size_t cut_off = 99;
  std::thread thread{};
};

std::string chunked(const std::string& chunks) {
  return "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
}

}  // namespace

TEST_CASE("requests come to the handler as they were sent, and its answers to the client") {
  const Running running;
  const Reply plain = running.ask(get("/a%20b?c=1&d"));
  CHECK(plain.status == 200);
  CHECK(plain.body == "GET /a%20b?c=1&d ");
  CHECK(plain.fields.at("content-type") == "text/plain");
  CHECK(plain.fields.at("content-length") == std::to_string(plain.body.size()));
  CHECK(plain.fields.at("date").size() == 29);
  CHECK_FALSE(plain.fields.contains("connection"));
  CHECK(running.ask(post("/x", "body")).body == "POST /x? body");
  CHECK(running.ask(chunked("3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n")).body ==
        "POST /x? abcde");
  CHECK(running.ask("GET http://x/y?z HTTP/1.1\r\nHost: x\r\n\r\n").body == "GET /y?z ");
  CHECK(running.ask("BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n").body == "BREW /pot? ");
}

TEST_CASE("HEAD gets the header of GET and no body, and the connection goes on") {
  const Running running;
  Client client = running.client();
  const Reply head = client.ask(get("/a", "HEAD"));
  CHECK(head.status == 200);
  CHECK(head.fields.at("content-length") == std::to_string(std::string("HEAD /a? ").size()));
  CHECK(client.ask(get("/b")).body == "GET /b? ");
  CHECK(client.ask(get("/refused", "HEAD")).status == 404);
  CHECK(client.ask(get("/c")).body == "GET /c? ");
}

TEST_CASE("a connection stays as long as client and protocol want") {
  const Running running;
  Client client = running.client();
  for (int i = 0; i < 5; ++i) CHECK(client.ask(get("/" + std::to_string(i))).status == 200);
  CHECK(client.ask(get("/refused")).status == 404);  // which has no body that would be in the way
  const Reply last = client.ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(last.fields.at("connection") == "close");
  CHECK(client.closed(5s));
  Client old = running.client();
  CHECK(old.ask("GET / HTTP/1.0\r\n\r\n").fields.at("connection") == "close");
  CHECK(old.closed(5s));
  Client kept = running.client();
  CHECK(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status == 200);
  CHECK(kept.ask(get("/")).status == 200);
}

TEST_CASE("requests that are sent in one go are answered in order") {
  const Running running;
  Client client = running.client();
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += i % 2 == 0 ? get("/" + std::to_string(i)) : post("/" + std::to_string(i), "b");
  REQUIRE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    const Reply reply = client.reply();
    CHECK(reply.body ==
          (i % 2 == 0 ? "GET /" + std::to_string(i) + "? " : "POST /" + std::to_string(i) + "? b"));
  }
}

TEST_CASE("Expect: 100-continue is met only for a body that is wanted") {
  const Running running({.body = 100});
  const auto expecting = [](const std::string& path, int length, const std::string& what = "100-continue") {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nExpect: " + what +
           "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  };
  Client wanted = running.client();
  CHECK(wanted.ask(expecting("/x", 4)).status == 100);
  CHECK(wanted.ask("body").body == "POST /x? body");
  CHECK(wanted.ask(get("/")).status == 200);
  CHECK(running.ask(expecting("/refused", 4)).status == 404);
  CHECK(running.ask(expecting("/x", 101)).status == 413);
  CHECK(running.ask(expecting("/x", 4, "miracle")).status == 417);
}

TEST_CASE("bodies and headers have limits") {
  const Running running({.body = 1000, .headers = 1024});
  CHECK(running.ask(post("/x", std::string(1000, 'b'))).body == "POST /x? " + std::string(1000, 'b'));
  CHECK(running.ask(post("/x", std::string(1001, 'b'))).status == 413);
  CHECK(running.ask(chunked("3e8\r\n" + std::string(1000, 'b') + "\r\n0\r\n\r\n")).status == 200);
  CHECK(running.ask(chunked("3e8\r\n" + std::string(1000, 'b') + "\r\n1\r\n")).status == 413);
  CHECK(running.ask(chunked("ffffffffffffff\r\n")).status == 413);
  CHECK(running.ask(get("/" + std::string(900, 'a'))).status == 200);
  CHECK(running.ask(get("/" + std::string(1100, 'a'))).status == 431);
  CHECK(running.ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1100, 'a')).status == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 400; ++i) many += "a:\r\n";
  CHECK(running.ask(many).status == 431);
  // Of a head that comes in pieces, what was parsed counts too; a head of many fields takes memory for each.
  for (const std::string& piece : {std::string(": b\r\nA"), ": " + std::string(200, 'b') + "\r\nA"}) {
    const Running patient({.body = 1000, .headers = 8192});
    Client client = patient.client();
    client.send("GET / HTTP/1.1\r\nHost: x\r\nA");
    std::size_t sent = 0;
    while (sent < 100'000 && client.send(piece)) sent += piece.size();  // what is answered is passed over
    CHECK(client.reply().status == 431);
  }
  std::string fields = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (std::size_t i = 1; i < HttpLimits::fields; ++i) fields += "a: b\r\n";
  CHECK(running.ask(fields + "\r\n").status == 200);
  CHECK(running.ask(fields + "a: b\r\n\r\n").status == 431);
  // The client may still be sending: it gets the answer all the same, and then the connection ends.
  Client large = running.client();
  large.send(post("/x", std::string(3'000'000, 'b')));
  const Reply refused = large.reply();
  CHECK(refused.status == 413);
  CHECK(refused.fields.at("connection") == "close");
}

TEST_CASE("headers without an end, and chunks without an end, are cut short by their limits") {
  const Running running({.body = 1000, .headers = 1024});
  for (const std::string& start : {std::string("GET / HTTP/1.1\r\n"), chunked("")}) {
    Client client = running.client();
    client.send(start);
    std::size_t sent = 0;
    while (sent < 10'000'000 && client.send(start[0] == 'G' ? "A: b\r\n" : "1\r\nx\r\n")) sent += 6;
    CHECK(sent < 10'000'000);
  }
  // Extensions of chunks and trailers are no body, but have an end too.
  CHECK(running.ask(chunked("1;" + std::string(5000, 'e'))).status == 400);
  CHECK(running.ask(chunked("0\r\n" + std::string(5000, 't'))).status == 400);
}

TEST_CASE("what is no HTTP is answered with 400 and the end of the connection") {
  const Running running;
  for (const std::string& wrong :
       {std::string("hello\r\n\r\n"),
        std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        std::string("GET x HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET * HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
        std::string("GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("G\0T / HTTP/1.1\r\nHost: x\r\n\r\n", 27),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", 19),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        std::string(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
        chunked("-1\r\nx\r\n"),
        chunked("x\r\n"),
        chunked("1\r\nxxxx\r\n"),
        chunked("\r\n"),
        chunked("fffffffffffffffffffff\r\n")}) {
    INFO(wrong);
    Client client = running.client();
    const Reply reply = client.ask(wrong);
    CHECK(reply.status == 400);
    CHECK(reply.body == "failure 400");
    CHECK(reply.fields.at("connection") == "close");
    client.shut();
    CHECK(client.closed(5s));
  }
  CHECK(running.ask("GET / HTTP/1.1\nHost: x\n\n").status == 505);  // a version with a line break in it
  CHECK(running.ask("GET / HTTP/2.0\r\nHost: x\r\n\r\n").status == 505);
  CHECK(running.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status == 505);
  CHECK(running.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").status == 501);
  CHECK(running.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n").status == 501);
}

TEST_CASE("a request that comes too slowly is answered with 408, however often a byte comes") {
  const Running running({.deadline = 200ms});
  for (const std::string& request : {get("/" + std::string(1000, 'a')), post("/", std::string(1000, 'b'))}) {
    Client client = running.client();
    const auto start = Clock::now();
    for (const char c : request) {
      client.send(std::string(1, c));
      std::this_thread::sleep_for(5ms);
      if (Clock::now() - start > 300ms) break;
    }
    CHECK(client.reply().status == 408);
    client.shut();
    CHECK(client.closed(5s));
  }
}

TEST_CASE("a connection that never speaks, or no more, is closed without a word") {
  const Running running({.idle = 100ms});
  Client silent = running.client();
  CHECK(silent.closed(5s));
  Client once = running.client();
  CHECK(once.ask(get("/")).status == 200);
  CHECK(once.closed(5s));
  CHECK(running.echo.records().size() == 1);
}

TEST_CASE("a client that has sent all it will still gets its answer, one that stops half-way gets 400") {
  Running running;
  Client half = running.client();
  half.send(get("/held"));
  half.shut();
  running.wait_until_held(1);
  running.echo.release();
  CHECK(half.reply().status == 200);
  CHECK(half.closed(5s));
  for (const char* part :
       {"G", "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"}) {
    Client cut = running.client();
    cut.send(part);
    cut.shut();
    CHECK(cut.reply().status == 400);
    CHECK(cut.closed(5s));
  }
}

TEST_CASE("a handler that takes too long is answered for, once, and one that throws costs one request") {
  Running running({.deadline = 150ms});
  Client client = running.client();
  CHECK(client.ask(get("/held")).status == 503);
  CHECK(client.ask(get("/next")).status == 200);
  running.echo.release();  // too late: nobody may get this answer
  CHECK(client.ask(get("/after")).body == "GET /after? ");
  CHECK(client.ask(get("/throws")).status == 500);
  CHECK(client.ask(get("/still")).status == 200);
}

TEST_CASE("whoever keeps what answers a request does not keep its connection") {
  Running running({.deadline = 50ms});
  CHECK(running.ask(get("/held")).status == 503);
  const auto start = Clock::now();
  CHECK(running.stop() == 0);  // at once, as no connection is left
  CHECK(Clock::now() - start < 2s);
  CHECK(running.echo.held() == 1);
}

TEST_CASE("a client that does not read its answer is not waited for") {
  const Running running({.body = 8 << 20, .deadline = 200ms});
  {
    Client deaf = running.client();
    const std::string large = post("/x", std::string(4 << 20, 'b'));
    for (int i = 0; i < 3 && deaf.send(large); ++i) {
    }
    CHECK(running.ask(get("/")).status == 200);
  }
  CHECK(running.ask(get("/")).status == 200);
}

TEST_CASE("connections above the limit get 503, and are taken again when others have gone") {
  const Running running({.connections = 3});
  std::vector<Client> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(running.client());
    CHECK(open.back().ask(get("/")).status == 200);
  }
  Client fourth = running.client();
  const Reply refused = fourth.reply();
  CHECK(refused.status == 503);
  CHECK(refused.fields.at("connection") == "close");
  std::vector<Client> crowd;  // more than are answered at once
  for (int i = 0; i < 60; ++i) crowd.push_back(running.client());
  CHECK(open[0].ask(get("/")).status == 200);
  crowd.clear();
  open.pop_back();
  int status = 0;
  for (int attempt = 0; attempt < 100 && status != 200; ++attempt) {
    try {
      status = running.ask(get("/")).status;
    } catch (const std::runtime_error&) {
    }
    if (status != 200) std::this_thread::sleep_for(20ms);
  }
  CHECK(status == 200);
}

TEST_CASE("a server that stops answers what is under way, takes nothing new, and tells what it cut off") {
  SECTION("all are answered") {
    Running running;
    Client idle = running.client(), busy = running.client(), slow = running.client();
    CHECK(idle.ask(get("/")).status == 200);
    CHECK(slow.ask(get("/")).status == 200);
    slow.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo");
    busy.send(get("/held"));
    running.wait_until_held(1);
    running.server.stop();
    CHECK(idle.closed(5s));
    CHECK_THROWS(running.ask(get("/")));
    slow.send("dy");
    const Reply last = slow.reply();
    CHECK(last.body == "POST /x? body");
    CHECK(last.fields.at("connection") == "close");
    running.echo.release();
    CHECK(busy.reply().fields.at("connection") == "close");
    CHECK(running.stop() == 0);
  }
  SECTION("some take too long") {
    Running running({.drain = 100ms});
    Client busy = running.client();
    busy.send(get("/held"));
    running.wait_until_held(1);
    const auto start = Clock::now();
    CHECK(running.stop() == 1);
    CHECK(Clock::now() - start < 5s);
    running.echo.release();  // into nothing
  }
}

TEST_CASE("an address that cannot be used is said in a line") {
  Echo echo;
  const HttpServer first("127.0.0.1", 0, {}, echo);
  CHECK_THROWS_WITH(HttpServer("127.0.0.1", first.port(), {}, echo),
                    Catch::Contains("cannot listen on 127.0.0.1, port ") && Catch::Contains("--port"));
  CHECK_THROWS_WITH(HttpServer("localhost", 0, {}, echo), Catch::Contains("'localhost' is no IP address"));
}

TEST_CASE("what is answered is recorded: sizes, status, path without query") {
  Running running;
  running.ask(post("/x?secret=1", "four"));
  running.ask("nonsense\r\n\r\n");
  running.stop();
  const auto records = running.echo.records();
  REQUIRE(records.size() == 2);
  CHECK((records[0].method == "POST" && records[0].path == "/x" && records[0].status == 200));
  CHECK((records[0].received == 4 && records[0].sent == 21 && records[0].seconds > 0));
  CHECK(records[0].peer.starts_with("127.0.0.1:"));
  CHECK((records[1].method.empty() && records[1].path.empty() && records[1].status == 400));
}
