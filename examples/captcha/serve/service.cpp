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
#include <new>
#include <utility>

namespace captcha::app {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_images = 64;  // of one request
constexpr const char* cam_layer = "layer2";
const std::string character_size = "expected 32 x 52 pixels (width x height); ?resize=1 accepts others.";
const std::string captcha_size = "expected a whole CAPTCHA of 200 x 50 pixels (width x height).";

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
  return {{"label", std::string(1, labels[ranking.order[0]])},
          {"probability", ranking.probabilities[ranking.order[0]]},
          {"top", top_json(ranking)}};
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
  bool several = false;
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
      pictures_({.batch = options.batch, .wait = options.batch_wait, .queue = options.queue},
                [this](std::span<Picture> pictures) { read_batch(pictures); }),
      singles_({.batch = 1, .wait = {}, .queue = options.queue}, [](std::span<Job> jobs) { jobs[0](); }),
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
  pictures_.stop();
  singles_.stop();
}

std::shared_ptr<const Models> Service::models() const {
  const std::lock_guard lock(guard_);
  return models_;
}

// ---- Routes

std::span<const Service::Route> Service::routes() const {
  static constexpr std::array<Route, 6> all{{{"POST", "/v1/predict", &Service::predict},
                                             {"POST", "/v1/solve", &Service::solve},
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
  if (route->answer == &Service::solve && !models()->captchas)
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
  const auto detail = [status] {
    switch (status) {
      case 408:
        return "The request did not arrive in time.";
      case 413:
        return "The body is larger than this server takes.";
      case 431:
        return "The request line and headers are larger than this server takes.";
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
  if (draining_ || pictures_.waiting() >= options_.queue)
    return respond(to_reply({503, draining_ ? "The server is stopping." : "The queue is full."}));
  respond(json_reply({{"status", "ready"}, {"solver", models()->captchas != nullptr}}));
}

void Service::show_metrics(HttpRequest, Respond respond) {
  metrics_.clear("captcha_model_info");
  metrics_.set("captcha_model_info", 1,
               {{"fingerprint", models()->characters.fingerprint}, {"architecture", architecture}});
  metrics_.set("captcha_connections", static_cast<double>(connections()));
  metrics_.set("captcha_queued_images", static_cast<double>(pictures_.waiting()));
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

std::shared_ptr<Service::Request> Service::open(HttpRequest http, Respond respond) {
  auto request = std::make_shared<Request>();
  request->respond = std::move(respond);
  request->http = std::move(http);
  request->due = Clock::now() + options_.deadline;
  request->several = media_type(request->http.content_type) != "image/png";
  if (request->several) {
    const auto parts =
        split_multipart(request->http.body, boundary_of(request->http.content_type), most_images);
    if (!parts || parts->empty()) {
      metrics_.count("captcha_errors_total", {{"kind", "multipart"}});
      request->respond(to_reply({422, "The body is not a multipart/form-data of 1 to " +
                                          std::to_string(most_images) + " images."}));
      return nullptr;
    }
    request->images = *parts;
  } else {
    request->images = {request->http.body};
  }
  request->left = request->images.size();
  request->predictions.resize(request->images.size());
  return request;
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

void Service::predict(HttpRequest http, Respond respond) {
  const auto request = open(std::move(http), std::move(respond));
  if (!request) return;
  const bool resizes = request->http.asks("resize");
  if (request->http.asks("cam"))
    return run_single(
        request,
        [this, resizes, models = models()](std::string_view png) { return explain(*models, png, resizes); },
        character_size);
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < request->images.size(); ++i) pictures.push_back({request, i});
  if (pictures_.push(std::move(pictures))) return;
  metrics_.count("captcha_errors_total", {{"kind", "queue_full"}});
  request->respond(to_reply({429, "Too many images wait already; try again."}));
}

void Service::read_batch(std::span<Picture> pictures) {
  const auto models = this->models();
  std::vector<Picture*> good;
  const auto fail = [&](const Picture& picture, const Problem& problem) {
    picture.request->fail(picture.index, problem);
  };
  try {
    // What is late was answered by the server.
    const auto is_late = [now = Clock::now()](const Picture& one) { return one.request->due < now; };
    std::vector<std::optional<ImageFault>> faults(pictures.size());
    pixels_.resize(pictures.size() * character.size());
    workers_.run(static_cast<int>(pictures.size()), [&](int i) {
      const auto n = static_cast<std::size_t>(i);
      const Picture& picture = pictures[n];
      if (is_late(picture)) return;
      try {
        const bool resizes = picture.request->http.asks("resize");
        const auto pixels = prepared(character_of(picture.request->images[picture.index], resizes));
        std::copy(pixels.begin(), pixels.end(), pixels_.data() + n * character.size());
      } catch (const ImageError& error) {
        faults[n] = error.fault;
      }
    });
    for (std::size_t n = 0; n < pictures.size(); ++n) {
      if (faults[n]) fail(pictures[n], image_problem(*faults[n], character_size));
      if (faults[n] || is_late(pictures[n])) continue;
      const float* const from = pixels_.data() + n * character.size();
      std::copy(from, from + character.size(), pixels_.data() + good.size() * character.size());
      good.push_back(&pictures[n]);
    }
    if (!good.empty()) {
      const auto rankings = batch_reader_(models->characters,
                                          std::span(pixels_).first(good.size() * character.size()), workers_);
      metrics_.observe("captcha_batch_images", static_cast<double>(good.size()));
      for (std::size_t n = 0; n < good.size(); ++n)
        good[n]->request->predictions[good[n]->index] = to_json(rankings[n]);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "captcha: a batch failed: %s\n", error.what());
    for (const Picture& picture : pictures) fail(picture, {500, "The images could not be read."});
  }
  for (const Picture& picture : pictures)
    if (--picture.request->left == 0) settle(*picture.request);
}

void Service::run_single(const std::shared_ptr<Request>& request, std::function<Json(std::string_view)> read,
                         const std::string& size) {
  const bool taken = singles_.push({[this, request, read = std::move(read), size] {
    std::size_t i = 0;
    try {
      for (; i < request->images.size() && Clock::now() < request->due; ++i)
        request->predictions[i] = read(request->images[i]);
    } catch (const ImageError& error) {
      request->fail(i, image_problem(error.fault, size));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "captcha: a reading failed: %s\n", error.what());
      request->fail(i, {500, "The image could not be read."});
    }
    settle(*request);
  }});
  if (taken) return;
  metrics_.count("captcha_errors_total", {{"kind", "queue_full"}});
  request->respond(to_reply({429, "Too many images wait already; try again."}));
}

Json Service::explain(const Models& models, std::string_view png, bool resizes) {
  const Image image = character_of(png, resizes);
  const std::vector<float> pixels = prepared(image);
  const Ranking ranking = single_reader_(models.characters, pixels, alone_)[0];
  const auto map = grad_cam_(models.characters.weights, pixels, ranking.order[0], cam_layer);
  Json answer = to_json(ranking);
  answer["cam"] = "data:image/png;base64," + base64(encode_png(heat_overlay(image, map)));
  return answer;
}

void Service::solve(HttpRequest http, Respond respond) {
  const auto request = open(std::move(http), std::move(respond));
  if (!request) return;
  run_single(
      request,
      [models = models()](std::string_view png) {
        const CaptchaReading reading = models->captchas(decode_png(as_image(png), "image"));
        return Json{{"text", reading.text}, {"confidence", reading.confidence}};
      },
      captcha_size);
}

}  // namespace captcha::app
