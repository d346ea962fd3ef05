// The program as a client meets it: `captcha serve` with a model of random weights, over real sockets.
#include <captcha/data/png.hpp>
#include <captcha/model/predictor.hpp>

#include "catch.hpp"
#include "character_image.hpp"
#include "client.hpp"
#include "problem.hpp"
#include "ranking.hpp"
#include "reader.hpp"
#include "solver.hpp"
#include "temporary_folder.hpp"
#include <nlohmann/json.hpp>

#include <cmath>

using namespace captcha;
using namespace captcha::app;
using namespace serve_test;
using nlohmann::json;

namespace {

const std::string type_of_problems = "application/problem+json";

void save_model(const std::filesystem::path& path, std::uint64_t seed) {
  save_weights(path, Weights<Network>(seed), to_metadata<Network>(character_info()));
}

/// A picture that differs for every seed.
std::string picture(std::uint64_t seed, int height = character.height, int width = character.width,
                    int channels = 1) {
  Image image{height, width, channels, {}};
  Random random(seed);
  for (int i = 0; i < height * width * channels; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  const auto png = encode_png(image);
  return {png.begin(), png.end()};
}

/// The program with a model, in a folder of its own.
struct Serving {
  explicit Serving(std::vector<std::string> options = {}) {
    save_model(model(), 1);
    options.insert(options.begin(), {"--model", model().string(), "--threads", "2"});
    program.emplace(CAPTCHA_PROGRAM, options, folder.path);
  }
  std::filesystem::path model() const { return folder.path / "model.safetensors"; }
  Program* operator->() { return &*program; }

  TemporaryFolder folder{};
  std::optional<Program> program{};
};

json parsed(const Reply& reply) {
  return json::parse(reply.body);
}

void check_problem(const Reply& reply, int status, const std::string& detail) {
  INFO(reply.head << reply.body);
  CHECK(reply.status == status);
  CHECK(reply.fields.at("content-type") == type_of_problems);
  const json problem = json::parse(reply.body, nullptr, false);
  REQUIRE(problem.is_object());
  CHECK(problem["type"] == "about:blank");
  CHECK(problem["status"] == status);
  CHECK(problem["title"] == title_of(status));
  CHECK_THAT(problem["detail"].get<std::string>(), Catch::Contains(detail));
}

/// The value of a metric.
double metric(Serving& serving, const std::string& series) {
  const std::string text = "\n" + serving->ask(get("/metrics")).body;
  const std::size_t at = text.find("\n" + series + " ");
  return at == text.npos ? 0 : std::stod(text.substr(at + series.size() + 2));
}

template <class F>
bool soon(F holds, std::chrono::milliseconds time = 10s) {
  for (const auto start = Clock::now(); Clock::now() - start < time; std::this_thread::sleep_for(2ms))
    if (holds()) return true;
  return false;
}

}  // namespace

TEST_CASE("readings over HTTP are those of the network, one image or several, whatever is read beside them") {
  Serving serving;
  Predictor<Network, character> predictor{Weights<Network>(1)};
  std::vector<std::string> pictures;
  std::vector<Ranking> expected;
  for (std::uint64_t i = 0; i < 12; ++i) {
    pictures.push_back(picture(i));
    expected.emplace_back(predictor.probabilities(prepared(to_grey(decode_png(as_image(pictures[i]), "x")))));
  }
  const auto check = [&](const json& prediction, const Ranking& ranking) {
    CHECK(prediction["label"] == std::string(1, labels[ranking.order[0]]));
    CHECK(prediction["probability"].get<double>() == Approx(ranking.at(0)).epsilon(1e-3));
    REQUIRE(prediction["top"].size() == 3);
    CHECK(prediction["top"][0]["label"] == prediction["label"]);
    CHECK(prediction["top"][1]["probability"] <= prediction["top"][0]["probability"]);
  };
  const Reply one = serving->ask(post("/v1/predict", pictures[0]));
  CHECK(one.status == 200);
  CHECK(one.fields.at("content-type") == "application/json");
  REQUIRE(parsed(one)["predictions"].size() == 1);
  check(parsed(one)["predictions"][0], expected[0]);
  CHECK_FALSE(parsed(one)["predictions"][0].contains("cam"));

  const auto [body, type] = form(pictures);
  const json several = parsed(serving->ask(post("/v1/predict", body, type)))["predictions"];
  REQUIRE(several.size() == pictures.size());
  for (std::size_t i = 0; i < pictures.size(); ++i) check(several[i], expected[i]);

  std::vector<Client> clients;
  for (const std::string& image : pictures) {
    clients.push_back(serving->client());
    REQUIRE(clients.back().send(post("/v1/predict", image)));
  }
  for (std::size_t i = 0; i < pictures.size(); ++i)
    check(parsed(clients[i].reply())["predictions"][0], expected[i]);
  CHECK(metric(serving, "captcha_batch_images_sum{route=\"/v1/predict\"}") == 1 + 12 + 12);
  CHECK(metric(serving, "captcha_batch_images_count{route=\"/v1/predict\"}") < 1 + 2 + 12);
}

TEST_CASE("with ?cam=1 an overlay comes along, and with ?resize=1 other sizes are read") {
  Serving serving;
  const auto [body, type] = form({picture(1), picture(2)});
  const json plain = parsed(serving->ask(post("/v1/predict", body, type)))["predictions"];
  const json explained = parsed(serving->ask(post("/v1/predict?cam=1", body, type)))["predictions"];
  REQUIRE(explained.size() == 2);
  const std::string start = "data:image/png;base64,";
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(explained[i]["label"] == plain[i]["label"]);
    const std::string url = explained[i]["cam"];
    REQUIRE(url.starts_with(start));
    // Base 64 back to bytes.
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<std::uint8_t> bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : url.substr(start.size(), url.find('=') - start.size())) {
      bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
      if ((count += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
    }
    const Image overlay = decode_png(bytes, "overlay");
    CHECK((overlay.height == 52 && overlay.width == 32 && overlay.channels == 3));
  }
  const std::string large = picture(3, 100, 80, 3);
  check_problem(serving->ask(post("/v1/predict", large)), 422, "wrong size; expected 32 x 52");
  check_problem(serving->ask(post("/v1/predict?cam=1", large)), 422, "wrong size");
  CHECK(serving->ask(post("/v1/predict?resize=1", large)).status == 200);
  CHECK(serving->ask(post("/v1/predict?a=b&resize=1&cam=1", large)).status == 200);
  check_problem(serving->ask(post("/v1/predict?resize=10&xresize=1", large)), 422, "wrong size");
}

TEST_CASE("with a solver whole CAPTCHAs are read, and other pictures are told what was expected") {
  const TemporaryFolder folder;
  const std::string model = folder.path / "model", other = folder.path / "solver";
  save_model(model, 1);
  save_weights(other, Weights<SolverNetwork>(1), to_metadata<SolverNetwork>(solver_info()));
  const Program program(CAPTCHA_PROGRAM, {"--model", model, "--solver", other}, folder.path);
  const Solver solver{Solver::Packed(Weights<SolverNetwork>(1))};
  const std::vector<std::string> pictures{picture(1, 50, 200), picture(2, 50, 200, 3)};
  const auto [body, type] = form(pictures);
  const json predictions = parsed(program.ask(post("/v1/solve", body, type)))["predictions"];
  REQUIRE(predictions.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const Reading reading = solver(decode_png(as_image(pictures[i]), "x"));
    CHECK(predictions[i]["text"] == reading.text);
    CHECK(predictions[i]["confidence"].get<double>() == Approx(reading.confidence).epsilon(1e-2));
  }
  check_problem(program.ask(post("/v1/solve", picture(1))), 422, "a whole CAPTCHA of 200 x 50 pixels");
  CHECK(program.ask(post("/v1/solve?resize=1", picture(1))).status == 200);
  check_problem(program.ask(post("/v1/solve", "no picture")), 415, "not a PNG");
  CHECK(parsed(program.ask(get("/readyz")))["solver"] == true);
}

TEST_CASE("what cannot be read is a problem that says why and names no file") {
  Serving serving;
  const std::string good = picture(1);
  const auto kind = [&](const std::string& body, int status, const std::string& name,
                        const std::string& detail) {
    const Reply reply = serving->ask(post("/v1/predict", body));
    check_problem(reply, status, detail);
    CHECK(parsed(reply)["kind"] == name);
    CHECK(reply.body.find("copy the file") == std::string::npos);
  };
  kind("", 422, "truncated", "ends too early");
  kind("no picture", 415, "not_png", "not a PNG");
  kind("\xFF\xD8\xFF\xE0 like a JPEG", 415, "not_png", "not a PNG");
  kind(good.substr(0, good.size() - 5), 422, "truncated", "ends too early");
  std::string flipped = good;
  flipped[60] = static_cast<char>(flipped[60] ^ 1);
  kind(flipped, 422, "crc", "checksum");
  kind(picture(1, 513, 10), 422, "size", "wrong size");
  const auto [body, type] = form({good, "no picture", flipped});
  const Reply second = serving->ask(post("/v1/predict", body, type));
  check_problem(second, 415, "not a PNG");
  CHECK(parsed(second)["image"] == 1);

  check_problem(serving->ask(post("/v1/predict", good, "image/jpeg")), 415,
                "Expected Content-Type image/png");
  check_problem(serving->ask(post("/v1/predict", good, "multipart/form-data")), 415, "boundary");
  check_problem(serving->ask(post("/v1/predict", good, "multipart/form-data; boundary=x")), 422,
                "1 to 64 images");
  const auto [empty, empty_type] = form({});
  check_problem(serving->ask(post("/v1/predict", empty, empty_type)), 422, "1 to 64 images");
  const auto [many, many_type] = form(std::vector<std::string>(65, "x"));
  check_problem(serving->ask(post("/v1/predict", many, many_type)), 422, "1 to 64 images");
  check_problem(serving->ask(post("/v1/predict", std::string(65537, 'x'))), 413, "65536 bytes");
  check_problem(serving->ask(post("/v1/solve", good)), 501, "No solver was loaded");
  check_problem(serving->ask("POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
                             "Sec-Fetch-Site: cross-site\r\nContent-Length: 1\r\n\r\nx"),
                403, "other sites");
  CHECK(metric(serving, "captcha_errors_total{kind=\"not_png\"}") == 3);
  CHECK(metric(serving, "captcha_requests_total{route=\"/v1/predict\",status=\"413\"}") == 1);
}

TEST_CASE("paths and methods: what there is, what it takes, and what is told of what there is not") {
  Serving serving;
  for (const std::string path : {"/", "/docs", "/page.js", "/page.css", "/docs.js", "/icon.svg",
                                 "/openapi.json", "/healthz", "/readyz", "/metrics"}) {
    INFO(path);
    const Reply full = serving->ask(get(path));
    CHECK(full.status == 200);
    CHECK_FALSE(full.body.empty());
    CHECK(full.fields.at("x-content-type-options") == "nosniff");
    CHECK_THAT(full.fields.at("content-security-policy"),
               Catch::StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; ") &&
                   !Catch::Contains("unsafe"));
    const Reply head = serving->ask(get(path, "HEAD"));
    CHECK(head.status == 200);
    if (path != "/metrics") CHECK(head.fields.at("content-length") == full.fields.at("content-length"));
    const Reply posted = serving->ask(post(path, "x"));
    check_problem(posted, 405, "another method");
    CHECK(posted.fields.at("allow") == "GET, HEAD");
  }
  for (const std::string method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW", "PATCH", "TRACE"}) {
    const Reply reply = serving->ask(get("/v1/predict", method));
    CHECK(reply.status == 405);
    CHECK(reply.fields.at("allow") == "POST");
  }
  for (const std::string path :
       {"/nowhere", "/v1/reload", "/%2e%2e/etc/passwd", "/../etc/passwd", "//", "/index.html"})
    check_problem(serving->ask(get(path)), 404, "nothing at this path");

  // The description names exactly what there is, but for pages and their parts.
  const json api = parsed(serving->ask(get("/openapi.json")));
  CHECK(api["openapi"] == "3.1.0");
  for (const auto& [path, methods] : api["paths"].items())
    for (const auto& [method, route] : methods.items()) {
      INFO(path);
      CHECK(method == (path.starts_with("/v1/") ? "post" : "get"));
      CHECK(serving->ask(get(path)).status == (path == "/v1/reload" ? 404 : method == "post" ? 405 : 200));
      for (const auto& [status, described] : route["responses"].items())
        CHECK(described["description"].is_string());
    }
  for (const char* path : {"/v1/predict", "/v1/solve", "/v1/reload", "/healthz", "/readyz", "/metrics"})
    CHECK(api["paths"].contains(path));
}

TEST_CASE("nothing of a request stands in a header of the answer, or raw in the log") {
  Serving serving;
  const std::string mark = "zzmarkzz";
  for (const std::string& request :
       {get("/" + mark), get("/?" + mark), post("/v1/predict", mark, "image/" + mark),
        mark + " / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: " + mark + "\r\nX-" + mark + ": " + mark + "\r\nOrigin: " + mark +
            "\r\n\r\n",
        post("/v1/predict", mark, "multipart/form-data; boundary=" + mark),
        "GET / HTTP/" + mark + "\r\n\r\n"})
    CHECK(serving->ask(request).head.find(mark) == std::string::npos);
  serving->ask("GET /a\x1b[31mb\"\\ HTTP/1.1\r\nHost: x\r\n\r\n");
  serving->ask("GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(soon([&] { return serving->out().find("\\xc3\\xa4") != std::string::npos; }));
  for (const char c : serving->out()) CHECK(((c >= 0x20 && c < 0x7F) || c == '\n'));
}

TEST_CASE("the log has one line a request, and none with --quiet") {
  {
    Serving serving;
    serving->ask(post("/v1/predict?cam=1", picture(1)));
    serving->ask(get("/healthz"));
    serving->ask("nonsense\r\n\r\n");
    REQUIRE(soon([&] {
      return serving->out().find(" - - - 400 ") == std::string::npos
                 ? serving->out().find(" - - 400 ") != std::string::npos
                 : true;
    }));
    const std::string log = serving->out();
    CHECK(std::count(log.begin(), log.end(), '\n') == 4);
    CHECK_THAT(log, Catch::Contains(" POST /v1/predict 200 ") && Catch::Contains(" GET /healthz 200 0 15 "));
  }
  Serving quiet({"--quiet"});
  quiet->ask(get("/healthz"));
  quiet->signal(SIGTERM);
  CHECK(quiet->wait() == 0);
  const std::string log = quiet->out();
  CHECK(std::count(log.begin(), log.end(), '\n') == 1);
}

TEST_CASE(
    "SIGHUP loads the model again without dropping a request, a bad file keeps the old one and is named") {
  Serving serving({"--reload-endpoint"});
  const std::string image = picture(1);
  const auto probability_of = [&](std::uint64_t seed) {
    Predictor<Network, character> predictor{Weights<Network>(seed)};
    return Ranking(predictor.probabilities(prepared(to_grey(decode_png(as_image(image), "x"))))).at(0);
  };
  const double first = probability_of(1), second = probability_of(2);
  REQUIRE(std::abs(first - second) > 1e-3);
  const auto probability = [&] {
    return parsed(serving->ask(post("/v1/predict", image)))["predictions"][0]["probability"].get<double>();
  };
  CHECK(probability() == Approx(first).epsilon(1e-3));
  const std::string before = serving->ask(get("/metrics")).body;

  // Requests go on all the time, and each is answered by the one model or the other.
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0, answered = 0;
  std::thread asking([&] {
    Client client = serving->client();
    while (!done) {
      const double p = parsed(client.ask(post("/v1/predict", image)))["predictions"][0]["probability"];
      wrong += std::abs(p - first) > 1e-3 && std::abs(p - second) > 1e-3;
      ++answered;
    }
  });
  save_model(serving.model(), 2);
  serving->signal(SIGHUP);
  CHECK(soon([&] { return std::abs(probability() - second) < 1e-3; }));
  done = true;
  asking.join();
  CHECK(wrong == 0);
  CHECK(answered > 0);
  const std::string after = serving->ask(get("/metrics")).body;
  const auto fingerprint = [](const std::string& text) {
    return text.substr(text.find("captcha_model_info{fingerprint=\"") + 32, 16);
  };
  CHECK(fingerprint(before) != fingerprint(after));

  std::ofstream(serving.model()) << "no model";
  serving->signal(SIGHUP);
  CHECK(soon([&] { return serving->err().find("stays in use") != std::string::npos; }));
  CHECK_THAT(serving->err(), Catch::Contains(serving.model().string()));
  CHECK(probability() == Approx(second).epsilon(1e-3));
  const Reply refused = serving->ask(post("/v1/reload", ""));
  check_problem(refused, 500, "stays in use");
  CHECK(refused.body.find("model.safetensors") == std::string::npos);
  save_model(serving.model(), 1);
  const Reply reloaded = serving->ask(post("/v1/reload", ""));
  CHECK(reloaded.status == 200);
  CHECK(parsed(reloaded)["fingerprint"] == fingerprint(before));
  CHECK(probability() == Approx(first).epsilon(1e-3));
  CHECK(metric(serving, "captcha_reloads_total{result=\"failed\"}") == 2);
}

TEST_CASE("SIGTERM and SIGINT answer what is under way and end with 0, what takes too long ends with 1") {
  for (const int signal : {SIGTERM, SIGINT}) {
    Serving serving;
    Client slow = serving->client();
    const std::string request = post("/v1/predict", picture(1));
    slow.send(request.substr(0, request.size() - 1));
    CHECK(serving->ask(get("/readyz")).status == 200);
    serving->signal(signal);
    REQUIRE(soon([&] {
      try {
        serving->client();
        return false;
      } catch (const std::runtime_error&) {
        return true;
      }
    }));
    slow.send(request.substr(request.size() - 1));
    CHECK(slow.reply().status == 200);
    CHECK(serving->wait() == 0);
    CHECK(serving->err().empty());
  }
  Serving serving({"--drain", "0.1"});
  Client stuck = serving->client();
  stuck.send("POST /v1/predict HTTP/1.1\r\n");
  CHECK(serving->ask(get("/healthz")).status == 200);
  serving->signal(SIGTERM);
  CHECK(serving->wait() == 1);
  CHECK_THAT(serving->err(), Catch::Contains("1 requests were cut off"));
}

TEST_CASE("a full queue is answered with 429 and when to come again") {
  Serving serving({"--queue", "64", "--batch", "1", "--batch-wait", "0"});
  const auto [body, type] = form(std::vector<std::string>(20, picture(1)));
  std::vector<Client> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(serving->client());
    clients.back().send(post("/v1/predict", body, type));
  }
  int taken = 0, refused = 0;
  for (Client& client : clients) {
    const Reply reply = client.reply();
    if (reply.status == 200) {
      ++taken;
      continue;
    }
    check_problem(reply, 429, "Too many images");
    CHECK(reply.fields.at("retry-after") == "1");
    ++refused;
  }
  CHECK(taken > 0);
  CHECK(refused > 0);
  CHECK(metric(serving, "captcha_errors_total{kind=\"queue_full\"}") == refused);
}

TEST_CASE("clients that misbehave by hundreds take no memory, and others are answered at once") {
  Serving serving({"--quiet", "--deadline", "2", "--idle", "2"});
  const std::string image = picture(1);
  for (int i = 0; i < 200; ++i) serving->ask(post("/v1/predict", image));
  const std::size_t memory = serving->resident_bytes(), files = serving->open_files();
  std::size_t most = 0;
  double slowest = 0;
  const auto watch = [&] {
    most = std::max(most, serving->resident_bytes());
    for (int i = 0; i < 5; ++i) {
      const auto start = Clock::now();
      CHECK(serving->ask(get("/healthz")).status == 200);
      slowest = std::max(slowest, std::chrono::duration<double>(Clock::now() - start).count());
    }
    most = std::max(most, serving->resident_bytes());
  };
  const std::string large(65536, 'x');
  const std::string head = "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n";
  const std::vector<std::string> attacks{
      "",                                                                      // never speak
      "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(8000, 'a'),             // headers without an end
      head + "Content-Length: 65536\r\n\r\n" + large.substr(1),                // all but the last byte
      head + "Transfer-Encoding: chunked\r\n\r\nfff0\r\n" + large.substr(16),  // a chunk without an end
      head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",                       // a negative one
      get("/healthz") + get("/healthz") + "G"};                                // two requests and a bit
  for (const std::string& attack : attacks) {
    std::vector<Client> clients;
    for (int i = 0; i < 200; ++i) {
      clients.push_back(serving->client());
      clients.back().send(attack);
    }
    watch();
    for (std::size_t i = 0; i < clients.size(); i += 2) clients[i].shut();  // half-closed
    watch();
  }
  WARN("200 bad clients of " << attacks.size() << " kinds: memory grew by " << (most - memory) / 1024
                             << " KiB, the slowest /healthz took " << 1000 * slowest << " ms");
#ifndef CAPTCHA_SANITIZED
  CHECK(most < memory + (std::size_t{16} << 20));
#endif
  CHECK(serving->ask(post("/v1/predict", image)).status == 200);
  CHECK(soon([&] { return serving->open_files() <= files; }));
}

TEST_CASE("what the command line of serve refuses") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::vector<std::string>& options) {
    try {
      Program(CAPTCHA_PROGRAM, options, folder.path);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("it serves");
  };
  const std::string model = (folder.path / "model.safetensors").string();
  CHECK_THAT(refused({}), Catch::Contains("--model"));
  CHECK_THAT(refused({"--model", model}), Catch::Contains(model));
  save_model(model, 1);
  CHECK_THAT(refused({"--model", model, "--address", "nowhere"}),
             Catch::Contains("'nowhere' is no IP address"));
  for (const char* option : {"--port", "--threads", "--batch", "--batch-wait", "--queue", "--max-body",
                             "--max-headers", "--max-connections", "--deadline", "--idle", "--drain"})
    CHECK_THAT(refused({"--model", model, option, "-1"}),
               Catch::Contains(option) && Catch::Contains("expected a"));
}
