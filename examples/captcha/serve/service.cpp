// The routes, and what is done for each.
#include "service.hpp"

#include "access_log.hpp"
#include "assets.hpp"
#include "multipart.hpp"
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <type_traits>
#include <utility>

namespace captcha::app {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_images = 64;  // of one request
const std::string character_size =
    "expected 32 x 52 pixels (width x height); ?resize=1 accepts others up to 512 x 512.";
const std::string captcha_size =
    "expected a whole CAPTCHA of 200 x 50 pixels (width x height); ?resize=1 accepts others up to 512 x 512.";

/// What every answer tells a browser: to run and load nothing but what comes from here, to guess no types, to
/// keep nothing, and to show it in no frame.
HttpReply secured(HttpReply reply) {
  for (const auto& [name, value] :
       {std::pair{"Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
                  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
        {"Server", "captcha"}})
    reply.fields.emplace_back(name, value);
  return reply;
}

HttpReply json_reply(const Json& body) {
  return {.body = body.dump()};
}

/// Source: RFC 4648, section 4 (Josefsson 2006).
std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t j) { return i + j < bytes.size() ? std::uint32_t{bytes[i + j]} : 0u; };
    const std::uint32_t three = at(0) << 16 | at(1) << 8 | at(2);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? digits[three >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

Json to_json(const Ranking& ranking) {
  return {{"label", label_name(ranking.best())}, {"probability", ranking.at(0)}, {"top", top_json(ranking)}};
}

std::size_t resident_bytes() {
  std::size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t open_files() {
  std::error_code failed;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failed), end; !failed && entry != end;
       entry.increment(failed))
    ++count;
  return count;
}

}  // namespace

/// Readings of the images of one request. Only one thread works on it at a time.
struct Service::Request {
  Respond respond;
  HttpRequest http;
  std::vector<std::string_view> images{};  // in http.body
  bool several = false, resizes = false;
  Clock::time_point due{};
  std::vector<Json> predictions{};
  std::size_t left = 0;
  std::optional<Problem> problem{};  // of the first image that has one

  void fail(std::size_t image, Problem found) {
    if (several) found.image = image;
    if (!problem || problem->image > found.image) problem = std::move(found);
  }
};

Service::Service(const ServiceOptions& options, Load load)
    : options_(options),
      load_(std::move(load)),
      models_(load_()),
      workers_(options.threads),
      batch_reader_(options.batch),
      characters_(
          {.batch = options.batch, .wait = options.batch_wait, .queue = options.queue},
          [this](std::span<Picture> pictures) {
            read_batch(
                pictures, character_size,
                [](std::string_view png, bool resizes) { return prepared(character_of(png, resizes)); },
                [this](std::span<const std::vector<float>> images) { return classify(images); });
          }),
      explanations_({.batch = 1, .wait = {}, .queue = options.queue},
                    [this](std::span<Picture> pictures) {
                      read_batch(pictures, character_size, character_of,
                                 [this](std::span<const Image> images) { return explain(images); });
                    }),
      captchas_({.batch = Solver::batch, .wait = options.batch_wait, .queue = options.queue},
                [this](std::span<Picture> pictures) {
                  read_batch(pictures, captcha_size, captcha_of,
                             [this](std::span<const Image> images) { return solve(images); });
                }),
      reloads_({.batch = 1, .wait = {}, .queue = 1}, [](std::span<Job> jobs) { jobs[0](); }) {
  metrics_.describe("captcha_requests_total", "counter", "Answers by route and status");
  metrics_.describe("captcha_request_seconds", "histogram",
                    "From a request's first byte to its answer's last",
                    {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5});
  metrics_.describe("captcha_batch_images", "histogram", "Images that were read together",
                    {1, 2, 4, 8, 16, 32, 64, 128});
  metrics_.describe("captcha_errors_total", "counter", "Requests that were not answered, by reason");
  metrics_.describe("captcha_reloads_total", "counter", "Attempts to load the models again, by result");
  metrics_.describe("captcha_log_lines_dropped_total", "counter", "Lines that standard output did not take");
  metrics_.describe("captcha_model_info", "gauge", "The model in use; its value is always 1");
  metrics_.describe("captcha_connections", "gauge", "Open connections");
  metrics_.describe("captcha_queued_images", "gauge", "Images that wait to be read");
  metrics_.describe("process_resident_memory_bytes", "gauge", "Memory of the process");
  metrics_.describe("process_open_fds", "gauge", "Open files and sockets");
  metrics_.count("captcha_log_lines_dropped_total", {}, 0);
}

void Service::stop() {
  reloads_.stop();
  characters_.stop();
  explanations_.stop();
  captchas_.stop();
}

std::shared_ptr<const Models> Service::models() const {
  const std::lock_guard lock(guard_);
  return models_;
}

// ---- Routes

std::span<const Service::Route> Service::routes() const {
  static constexpr std::array<Route, 6> all{{{"POST", "/v1/predict", &Service::read_characters},
                                             {"POST", "/v1/solve", &Service::read_captchas},
                                             {"GET", "/healthz", &Service::healthz},
                                             {"GET", "/readyz", &Service::readyz},
                                             {"GET", "/metrics", &Service::show_metrics},
                                             {"POST", "/v1/reload", &Service::reload_now}}};
  return std::span(all).first(options_.reload_endpoint ? 6 : 5);
}

const Service::Route* Service::route_of(std::string_view path) const {
  for (const Route& route : routes())
    if (route.path == path) return &route;
  static constexpr Route of_asset{"GET", "", &Service::asset};
  for (const Asset& file : assets())
    if (file.path == path) return &of_asset;
  return nullptr;
}

std::optional<HttpReply> Service::refuse(const HttpRequest& head) {
  const Route* const route = route_of(head.path);
  if (!route) return refusal({404, "There is nothing at this path; /docs lists what there is."});
  const bool fits = head.method == route->method || (head.method == "HEAD" && route->method == "GET");
  if (!fits) {
    HttpReply reply = refusal({405, "This path takes another method; see the header Allow."});
    reply.fields.emplace_back("Allow", route->method == "GET" ? "GET, HEAD" : "POST");
    return reply;
  }
  if (route->method == "GET") return std::nullopt;
  if (head.fetch_site == "cross-site")
    return refusal({403, "Pages of other sites may not ask for readings."});
  if (route->answer == &Service::reload_now) return std::nullopt;
  if (route->answer == &Service::read_captchas && !models()->solver)
    return refusal({501, "No solver was loaded; the server takes one with --solver."});
  const std::string type = media_type(head.content_type);
  if (type != "image/png" && !(type == "multipart/form-data" && !boundary_of(head.content_type).empty()))
    return refusal({415, "Expected Content-Type image/png, or multipart/form-data with a boundary."});
  return std::nullopt;
}

void Service::answer(HttpRequest request, Respond respond) {
  const Route* const route = route_of(request.path);
  (this->*route->answer)(std::move(request), [respond = std::move(respond)](HttpReply reply) {
    respond(secured(std::move(reply)));
  });
}

HttpReply Service::failure(int status) {
  const HttpLimits& limits = options_.limits;
  const auto detail = [status, &limits]() -> std::string {
    switch (status) {
      case 408:
        return "The request did not arrive in time.";
      case 413:
        return "The body is larger than this server takes: " + std::to_string(limits.body) + " bytes.";
      case 431:
        return "The request line and headers are more than this server takes: " +
               std::to_string(limits.headers) + " bytes, " + std::to_string(HttpLimits::fields) + " headers.";
      case 417:
        return "The only expectation that is met is 100-continue.";
      case 500:
        return "Something went wrong.";
      case 501:
        return "The only transfer coding that is read is chunked.";
      case 503:
        return "The server is busy; try again.";
      case 505:
        return "Expected HTTP/1.1 or HTTP/1.0.";
      default:
        return "This is no HTTP request that can be read.";
    }
  };
  return refusal({status, detail()});
}

HttpReply Service::refusal(const Problem& problem, const std::string& kind) {
  metrics_.count("captcha_errors_total", {{"kind", kind.empty() ? "http" : kind}});
  return secured(to_reply(problem));
}

void Service::answered(const HttpRecord& record) {
  const std::string route = record.path.empty() ? "none" : route_of(record.path) ? record.path : "other";
  metrics_.count("captcha_requests_total", {{"route", route}, {"status", std::to_string(record.status)}});
  metrics_.observe("captcha_request_seconds", record.seconds, {{"route", route}});
  if (!options_.quiet && !write_line(STDOUT_FILENO, log_line(record)))
    metrics_.count("captcha_log_lines_dropped_total");
}

// ---- What the server says of itself

void Service::asset(HttpRequest request, Respond respond) {
  const auto all = assets();
  const auto file =
      std::find_if(all.begin(), all.end(), [&](const Asset& one) { return one.path == request.path; });
  respond({.type = std::string(file->type), .body = std::string(file->bytes)});
}

void Service::healthz(HttpRequest, Respond respond) {
  respond(json_reply({{"status", "ok"}}));
}

void Service::readyz(HttpRequest, Respond respond) {
  if (draining_ || characters_.waiting() >= options_.queue)
    return respond(to_reply({503, draining_ ? "The server is stopping." : "The queue is full."}));
  respond(json_reply({{"status", "ready"}, {"solver", models()->solver != nullptr}}));
}

void Service::show_metrics(HttpRequest, Respond respond) {
  metrics_.clear("captcha_model_info");
  metrics_.set("captcha_model_info", 1,
               {{"fingerprint", models()->characters.fingerprint}, {"architecture", character_architecture}});
  metrics_.set("captcha_connections", static_cast<double>(connections()));
  metrics_.set("captcha_queued_images", static_cast<double>(characters_.waiting()));
  metrics_.set("process_resident_memory_bytes", static_cast<double>(resident_bytes()));
  metrics_.set("process_open_fds", static_cast<double>(open_files()));
  respond({.type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_.text()});
}

bool Service::reload(Respond respond) {
  return reloads_.push({[this, respond = std::move(respond)] {
    try {
      const auto fresh = load_();
      {
        const std::lock_guard lock(guard_);
        models_ = fresh;
      }
      metrics_.count("captcha_reloads_total", {{"result", "loaded"}});
      std::fprintf(stderr, "captcha: model %s loaded\n", fresh->characters.fingerprint.c_str());
      respond(json_reply({{"fingerprint", fresh->characters.fingerprint}}));
    } catch (const std::exception& error) {
      metrics_.count("captcha_reloads_total", {{"result", "failed"}});
      std::fprintf(stderr, "captcha: %s; the model loaded before stays in use\n", error.what());
      respond(to_reply({500,
                        "The new file cannot be used; the model loaded before stays in use. The server's "
                        "log says why."}));
    }
  }});
}

void Service::reload_now(HttpRequest, Respond respond) {
  if (!reload(respond)) respond(to_reply({429, "The model is being loaded already."}));
}

// ---- Readings

void Service::read_characters(HttpRequest request, Respond respond) {
  Batcher<Picture>& readers = request.asks("cam") ? explanations_ : characters_;
  read(readers, std::move(request), std::move(respond));
}

void Service::read_captchas(HttpRequest request, Respond respond) {
  read(captchas_, std::move(request), std::move(respond));
}

void Service::read(Batcher<Picture>& readers, HttpRequest http, Respond respond) {
  const auto request = std::make_shared<Request>();
  request->respond = std::move(respond);
  request->http = std::move(http);
  request->due = Clock::now() + options_.limits.deadline;
  request->resizes = request->http.asks("resize");
  request->several = media_type(request->http.content_type) != "image/png";
  const std::string& body = request->http.body;
  if (request->several) {
    const auto parts = split_multipart(body, boundary_of(request->http.content_type), most_images);
    if (!parts || parts->empty()) {
      metrics_.count("captcha_errors_total", {{"kind", "multipart"}});
      return request->respond(to_reply({422, "The body is not a multipart/form-data of 1 to " +
                                                 std::to_string(most_images) + " images."}));
    }
    request->images = *parts;
  } else {
    request->images = {body};
  }
  request->left = request->images.size();
  request->predictions.resize(request->images.size());
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < request->images.size(); ++i) pictures.push_back({request, i});
  if (readers.push(std::move(pictures))) return;
  metrics_.count("captcha_errors_total", {{"kind", "queue_full"}});
  request->respond(to_reply({429, "Too many images wait already; try again."}));
}

/// Decodes each picture, reads those that can be decoded together, and answers the requests whose last
/// picture this was.
template <class Decode, class Read>
void Service::read_batch(std::span<Picture> pictures, const std::string& size, Decode decode, Read read) {
  using Input = std::invoke_result_t<Decode, std::string_view, bool>;
  std::vector<Input> inputs;
  std::vector<const Picture*> good;
  try {
    for (const Picture& picture : pictures) {
      Request& request = *picture.request;
      if (request.due < Clock::now()) continue;  // nobody waits for it any more: the server answered
      try {
        inputs.push_back(decode(request.images[picture.index], request.resizes));
        good.push_back(&picture);
      } catch (const ImageError& error) {
        request.fail(picture.index, image_problem(error.fault, size));
      }
    }
    if (!good.empty()) {
      const std::vector<Json> answers = read(std::span<const Input>(inputs));
      for (std::size_t n = 0; n < good.size(); ++n)
        good[n]->request->predictions[good[n]->index] = answers[n];
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "captcha: a batch failed: %s\n", error.what());
    for (const Picture& picture : pictures)
      picture.request->fail(picture.index, {500, "The image could not be read."});
  }
  for (const Picture& picture : pictures)
    if (--picture.request->left == 0) settle(*picture.request);
}

void Service::settle(Request& request) {
  if (request.problem) {
    metrics_.count("captcha_errors_total",
                   {{"kind", request.problem->kind.empty() ? "internal" : request.problem->kind}});
    request.respond(to_reply(*request.problem));
  } else {
    request.respond(json_reply({{"predictions", request.predictions}}));
  }
}

std::vector<Json> Service::classify(std::span<const std::vector<float>> images) {
  metrics_.observe("captcha_batch_images", static_cast<double>(images.size()), {{"route", "/v1/predict"}});
  std::vector<Json> answers;
  for (const Ranking& ranking : batch_reader_(models()->characters, images, workers_))
    answers.push_back(to_json(ranking));
  return answers;
}

std::vector<Json> Service::explain(std::span<const Image> images) {
  const auto models = this->models();
  std::vector<Json> answers;
  for (const Image& image : images) {
    const std::vector<float> pixels = prepared(image);
    const Ranking ranking = single_reader_(models->characters, std::span(&pixels, 1), alone_).front();
    const auto map = grad_cam_(models->characters.weights, pixels, ranking.best(), heat_layer);
    Json& answer = answers.emplace_back(to_json(ranking));
    answer["cam"] = "data:image/png;base64," + base64(encode_png(heat_overlay(image, map)));
  }
  return answers;
}

std::vector<Json> Service::solve(std::span<const Image> images) {
  metrics_.observe("captcha_batch_images", static_cast<double>(images.size()), {{"route", "/v1/solve"}});
  std::vector<Json> answers;
  for (const Reading& reading : (*models()->solver)(images))
    answers.push_back({{"text", reading.text}, {"confidence", reading.confidence}});
  return answers;
}

}  // namespace captcha::app
