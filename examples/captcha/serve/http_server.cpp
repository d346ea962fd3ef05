// The server on Boost.Beast, which nothing else includes: it takes long to compile.
#include "http_server.hpp"

#include <captcha/core/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace captcha::app {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::beast::iequals;
using Clock = std::chrono::steady_clock;
using Failure = boost::system::error_code;

constexpr std::size_t turned_away_at_once = 32;  // of connections above the limit; more are closed unheard
constexpr std::chrono::seconds linger_time{1};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[40];
  ::gmtime_r(&now, &parts);
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

/// What is answered when a request cannot be read; 0: nothing, as nobody is there any more.
int status_of(const Failure& failure, bool reads_body) {
  if (failure == http::error::body_limit) return 413;
  if (failure == http::error::header_limit || failure == http::error::buffer_overflow)
    return reads_body ? 400 : 431;
  if (failure == http::error::bad_version) return 505;
  if (failure == http::error::end_of_stream) return 0;
  const Failure of_http = http::error::partial_message;
  return failure.category() == of_http.category() ? 400 : 0;
}

}  // namespace

class Connection;

struct HttpServer::State {
  State(const HttpLimits& given, HttpHandler& handles) : limits(given), handler(handles) {}

  void accept();
  void drain();
  void wait_for_signal();
  void add(Connection& connection) { open.insert(&connection); }
  void remove(Connection& connection) {
    open.erase(&connection);
    if (stopping && open.empty()) io.stop();
  }

  const HttpLimits limits;
  HttpHandler& handler;
  std::unordered_set<Connection*> open{};  // outlives `io`, which may hold the last of them
  std::size_t turned_away = 0;             // among them
  std::size_t cut_off = 0;
  bool stopping = false;
  std::map<int, std::function<void(int)>> on_signal{};
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
  asio::steady_timer pause{io};
};

/// One client. It is kept alive by what it waits for: bytes and its timer. Only the thread of `run` owns it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Server = HttpServer::State;

  Connection(tcp::socket socket, Server& server, bool turned_away)
      : socket_(std::move(socket)),
        timer_(server.io),
        buffer_(server.limits.headers + 1024),  // the most it grows to
        server_(server),
        turned_away_(turned_away) {
    Failure ignored;
    const auto peer = socket_.remote_endpoint(ignored);
    if (!ignored) record_.peer = peer.address().to_string() + ":" + std::to_string(peer.port());
    socket_.set_option(tcp::no_delay(true), ignored);
    server_.add(*this);
    if (turned_away_) ++server_.turned_away;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (turned_away_) --server_.turned_away;
    server_.remove(*this);
  }

  void start() {
    begun_ = Clock::now();
    if (turned_away_)
      reply(server_.handler.failure(503), true);
    else
      wait();
  }

  bool is_idle() const { return stage_ == Stage::waiting || stage_ == Stage::lingering; }

  void close() {
    Failure ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

 private:
  enum class Stage { waiting, reading, answering, writing, lingering };

  // A member function as a completion handler that keeps this object alive.
  template <class... A>
  auto then(void (Connection::*next)(A...)) {
    return [self = shared_from_this(), next](A... arguments) { ((*self).*next)(arguments...); };
  }

  void enter(Stage stage, std::chrono::milliseconds deadline) {
    stage_ = stage;
    timer_.expires_after(deadline);
    timer_.async_wait(then(&Connection::expired));
  }

  void expired(Failure cancelled) {
    if (cancelled || timer_.expiry() > Clock::now()) return;
    if (stage_ == Stage::answering) {
      reply(server_.handler.failure(503), false);
    } else if (stage_ == Stage::reading && !late_) {
      late_ = true;
      enter(Stage::reading, std::chrono::milliseconds(100));  // should a read begin after this
      Failure ignored;
      socket_.cancel(ignored);
    } else {
      close();
    }
  }

  void wait() {
    if (server_.stopping) return close();
    if (buffer_.size() > 0) return read();
    enter(Stage::waiting, server_.limits.idle);
    socket_.async_read_some(room(), then(&Connection::first_bytes));
  }

  void first_bytes(Failure failure, std::size_t count) {
    if (failure) return close();
    buffer_.commit(count);
    read();
  }

  void read() {
    begun_ = Clock::now();
    late_ = false;
    reads_body_ = false;
    request_ = {};
    record_.method = record_.path = "";
    record_.received = 0;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_.limits.headers));
    parser_->body_limit(server_.limits.body);
    head_bytes_ = 0;
    enter(Stage::reading, server_.limits.deadline);
    read_head();
  }

  /// The head is read here and not by Beast, which limits what it has not parsed yet and forgets what it has.
  void read_head() {
    Failure failure;
    const std::size_t parsed = parser_->put(buffer_.data(), failure);
    buffer_.consume(parsed);
    head_bytes_ += parsed;
    const bool whole = parser_->is_header_done(), good = !failure || failure == http::error::need_more;
    const auto& head = parser_->get();
    if (good && (head_bytes_ + (whole ? 0 : buffer_.size()) > server_.limits.headers ||
                 static_cast<std::size_t>(std::distance(head.begin(), head.end())) > HttpLimits::fields))
      failure = http::error::header_limit;
    if (failure == http::error::need_more)
      return socket_.async_read_some(room(), then(&Connection::more_of_head));
    if (went_wrong(failure)) return;
    if (!whole) return read_head();
    head_came();
  }

  void more_of_head(Failure failure, std::size_t count) {
    if (failure == asio::error::eof)
      failure = parser_->got_some() ? http::error::partial_message : http::error::end_of_stream;
    if (went_wrong(failure)) return;
    buffer_.commit(count);
    read_head();
  }

  /// Where the next bytes go.
  asio::mutable_buffer room() {
    return buffer_.prepare(std::min<std::size_t>(2048, buffer_.max_size() - buffer_.size()));
  }

  /// Writes down what is asked for, as far as it is known, and returns the path with the query.
  std::string_view note_target() {
    const auto& head = parser_->get();
    std::string_view target = view(head.target());
    if (target.starts_with("http://")) target.remove_prefix(std::min(target.find('/', 7), target.size()));
    record_.method = view(head.method_string());
    record_.path = target.substr(0, target.find('?'));
    return target;
  }

  /// Answers what went wrong while a request was read; false when nothing did.
  bool went_wrong(const Failure& failure) {
    if (!failure && !late_) return false;
    if (!reads_body_) note_target();
    const int status = late_ ? 408 : status_of(failure, reads_body_);
    if (status == 0)
      close();
    else
      reply(server_.handler.failure(status), true);
    return true;
  }

  void head_came() {
    reads_body_ = true;
    const auto& head = parser_->get();
    const auto refuse = [this](int status) { reply(server_.handler.failure(status), true); };
    const std::string_view target = note_target();
    const std::size_t hosts = head.count(http::field::host);
    if (!target.starts_with('/') || hosts > 1 || (hosts == 0 && head.version() >= 11)) return refuse(400);
    if (head.count(http::field::transfer_encoding) > 0 &&
        !(parser_->chunked() && iequals(head[http::field::transfer_encoding], "chunked")))
      return refuse(501);
    request_ = {.method = record_.method,
                .path = record_.path,
                .query = std::string(target.substr(std::min(target.size(), record_.path.size() + 1))),
                .content_type = std::string(view(head[http::field::content_type])),
                .fetch_site = std::string(view(head["Sec-Fetch-Site"]))};
    if (auto refused = server_.handler.refuse(request_))
      return reply(std::move(*refused), !parser_->is_done());
    if (parser_->is_done()) return ask();
    const auto expected = head[http::field::expect];
    if (expected.empty()) return read_body();
    if (!iequals(expected, "100-continue")) return refuse(417);
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(go_on), then(&Connection::told_to_go_on));
  }

  void told_to_go_on(Failure failure, std::size_t) {
    if (!went_wrong(failure)) read_body();
  }

  void read_body() {
    // At once, as a text that grows takes up to twice its size.
    parser_->get().body().reserve(parser_->chunked() ? server_.limits.body : *parser_->content_length());
    http::async_read(socket_, buffer_, *parser_, then(&Connection::body_came));
  }

  void body_came(Failure failure, std::size_t) {
    if (!went_wrong(failure)) ask();
  }

  void ask() {
    request_.body = std::move(parser_->get().body());
    record_.received = request_.body.size();
    stage_ = Stage::answering;  // still by the deadline that began with the request
    // Other threads may drop `respond` last, so it does not own the connection, which would end there: the
    // timer keeps it until there is an answer.
    const auto respond = [weak = weak_from_this(), executor = socket_.get_executor(),
                          asked = begun_](HttpReply given) {
      asio::post(executor, [weak, asked, given = std::move(given)]() mutable {
        const auto self = weak.lock();
        if (self && self->stage_ == Stage::answering && self->begun_ == asked)
          self->reply(std::move(given), false);
      });
    };
    try {
      server_.handler.answer(std::move(request_), respond);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "captcha: a request failed: %s\n", error.what());
      reply(server_.handler.failure(500), false);
    }
  }

  /// `unread`: the rest of the request is not wanted, so that this must be the last answer.
  void reply(HttpReply given, bool unread) {
    unread_ = unread;
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(given.status));
    response_.set(http::field::date, http_date());
    response_.set(http::field::content_type, given.type);
    for (const auto& [name, value] : given.fields) response_.set(name, value);
    response_.keep_alive(!unread && !server_.stopping && parser_ && parser_->keep_alive());
    response_.content_length(given.body.size());
    record_.status = given.status;
    record_.sent = record_.method == "HEAD" ? 0 : given.body.size();
    response_.body() = std::move(given.body);
    serializer_.emplace(response_);
    enter(Stage::writing, server_.limits.deadline);
    if (record_.method == "HEAD")
      http::async_write_header(socket_, *serializer_, then(&Connection::written));
    else
      http::async_write(socket_, *serializer_, then(&Connection::written));
  }

  void written(Failure failure, std::size_t) {
    record_.seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    server_.handler.answered(record_);
    if (failure) return close();
    const bool stays = response_.keep_alive();
    response_ = {};
    serializer_.reset();
    parser_.reset();
    if (stays) return wait();
    if (!unread_ && buffer_.size() == 0) return close();
    // A socket that is closed with bytes in it resets the connection, and the client may lose the answer.
    Failure ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    enter(Stage::lingering, linger_time);
    pass_over({}, 0);
  }

  void pass_over(Failure failure, std::size_t) {
    if (failure) return close();
    buffer_.clear();
    socket_.async_read_some(room(), then(&Connection::pass_over));
  }

  static std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

  tcp::socket socket_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  Server& server_;
  const bool turned_away_;
  Stage stage_ = Stage::waiting;
  Clock::time_point begun_{};
  bool late_ = false;        // the deadline passed before the request was whole
  bool reads_body_ = false;  // the head is there
  std::size_t head_bytes_ = 0;
  bool unread_ = false;
  std::optional<http::request_parser<http::string_body>> parser_{};
  HttpRequest request_{};
  HttpRecord record_{};
  http::response<http::string_body> response_{};
  std::optional<http::response_serializer<http::string_body>> serializer_{};
};

void HttpServer::State::accept() {
  acceptor.async_accept([this](Failure failure, tcp::socket socket) {
    if (stopping) return;
    try {
      const bool full = open.size() - turned_away >= limits.connections;
      if (!failure && (!full || turned_away < turned_away_at_once))
        std::make_shared<Connection>(std::move(socket), *this, full)->start();
    } catch (const std::bad_alloc&) {
      failure = asio::error::no_memory;
    }
    if (!failure) return accept();
    pause.expires_after(std::chrono::milliseconds(50));  // of memory and descriptors there may be more then
    pause.async_wait([this](Failure cancelled) {
      if (!cancelled) accept();
    });
  });
}

void HttpServer::State::drain() {
  if (stopping) return;
  stopping = true;
  Failure ignored;
  acceptor.close(ignored);
  for (Connection* const connection : open)
    if (connection->is_idle()) connection->close();
  if (open.empty()) io.stop();
  pause.expires_after(limits.drain);
  pause.async_wait([this](Failure cancelled) {
    if (cancelled) return;
    for (const Connection* const connection : open) cut_off += connection->is_idle() ? 0u : 1u;
    io.stop();
  });
}

void HttpServer::State::wait_for_signal() {
  signals.async_wait([this](Failure failure, int signal) {
    if (failure) return;
    on_signal[signal](signal);
    wait_for_signal();
  });
}

HttpServer::HttpServer(const std::string& address, std::uint16_t port, const HttpLimits& limits,
                       HttpHandler& handler)
    : state_(std::make_unique<State>(limits, handler)) {
  Failure failure;
  const auto ip = asio::ip::make_address(address, failure);
  if (failure) throw Error("'" + address + "' is no IP address; expected one like 127.0.0.1, 0.0.0.0 or ::1");
  const tcp::endpoint place(ip, port);
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(place.protocol(), failure);
  if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor.bind(place, failure);
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    throw Error("cannot listen on " + address + ", port " + std::to_string(port) + ": " + failure.message() +
                "; give another --port or --address");
}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

void HttpServer::on_signal(int signal, std::function<void(int)> act) {
  if (state_->on_signal.empty()) state_->wait_for_signal();
  state_->on_signal[signal] = std::move(act);
  state_->signals.add(signal);
}

std::size_t HttpServer::run() {
  state_->accept();
  while (true) {
    try {
      state_->io.run();
      return state_->cut_off;
    } catch (const std::exception& error) {  // of one connection, which is gone
      std::fprintf(stderr, "captcha: a connection failed: %s\n", error.what());
    }
  }
}

void HttpServer::stop() {
  asio::post(state_->io, [this] { state_->drain(); });
}

std::size_t HttpServer::connections() const {
  return state_->open.size();
}

}  // namespace captcha::app
