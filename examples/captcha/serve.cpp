// captcha serve: the model as an HTTP server with a small page.
#include <captcha/train/fit_options.hpp>

#include "commands.hpp"
#include "option_checks.hpp"
#include "serve/http_server.hpp"
#include "serve/service.hpp"
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace captcha::app {
namespace {

struct ServeArguments {
  std::filesystem::path model;
  std::filesystem::path solver;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  int threads = 0;
  std::size_t batch = 32;
  double batch_wait = 2;
  std::size_t queue = 256;
  std::size_t max_body = HttpLimits{}.body;
  std::size_t max_headers = HttpLimits{}.headers;
  std::size_t max_connections = HttpLimits{}.connections;
  double deadline = 5;
  double idle = 5;
  double drain = 5;
  bool reload_endpoint = false;
  bool quiet = false;
};

std::chrono::milliseconds seconds(double count) {
  return std::chrono::milliseconds(static_cast<long long>(1000 * count));
}

std::shared_ptr<const Models> load(const ServeArguments& arguments) {
  return std::make_shared<const Models>(
      Models{ServedModel(load_model(arguments.model)),
             arguments.solver.empty() ? nullptr : std::make_unique<const Solver>(arguments.solver)});
}

int serve(const ServeArguments& arguments) {
  const HttpLimits limits{.body = arguments.max_body,
                          .headers = arguments.max_headers,
                          .connections = arguments.max_connections,
                          .deadline = seconds(arguments.deadline),
                          .idle = seconds(arguments.idle),
                          .drain = seconds(arguments.drain)};
  Service service(
      {.threads = arguments.threads > 0 ? arguments.threads : all_threads(),
       .batch = arguments.batch,
       .batch_wait = std::chrono::microseconds(static_cast<long long>(1000 * arguments.batch_wait)),
       .queue = arguments.queue,
       .limits = limits,
       .reload_endpoint = arguments.reload_endpoint,
       .quiet = arguments.quiet},
      [&arguments] { return load(arguments); });
  HttpServer server(arguments.address, arguments.port, limits, service);
  service.connections = [&server] { return server.connections(); };

  ::signal(SIGPIPE, SIG_IGN);  // standard output may be closed while we serve
  server.on_signal(SIGHUP, [&service](int) { service.reload(); });
  for (const int signal : {SIGINT, SIGTERM})
    server.on_signal(signal, [&](int) {
      service.drain();
      server.stop();
    });
  const bool is_six = arguments.address.find(':') != arguments.address.npos;
  std::printf("listening on http://%s%s%s:%d\n", is_six ? "[" : "", arguments.address.c_str(),
              is_six ? "]" : "", server.port());
  std::fflush(stdout);
  const std::size_t cut_off = server.run();
  service.stop();
  if (cut_off == 0) return 0;
  std::fprintf(stderr, "captcha: %zu requests were cut off after %g s\n", cut_off, arguments.drain);
  return exit_data;
}

}  // namespace

void add_serve(Commands& commands) {
  const auto a = std::make_shared<ServeArguments>();
  CLI::App* c = commands.add("serve", "Answer requests for readings over HTTP, with a page for people",
                             [a](CLI::App&) { return serve(*a); });
  const auto time = number("a number of seconds, 0.01 to 3600",
                           [](double value) { return value >= 0.01 && value <= 3600; });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  c->add_option("--solver", a->solver, "Model file that reads whole CAPTCHAs")->type_name("FILE");
  c->add_option("--address", a->address, "IP address to listen on");
  c->add_option("--port", a->port, "Port; 0: any that is free, which is printed")->check(whole(0, 65535));
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_option("--batch", a->batch, "Most images that are read together")->check(whole(1, 1024));
  c->add_option("--batch-wait", a->batch_wait, "Milliseconds that an image waits for others")
      ->check(from_zero_to(1000));
  c->add_option("--queue", a->queue, "Most images that wait; above, the answer is 429")
      ->check(whole(64, 65536));
  c->add_option("--max-body", a->max_body, "Most bytes of a body")->check(whole(1, 16 << 20));
  c->add_option("--max-headers", a->max_headers, "Most bytes of a request line with headers")
      ->check(whole(256, 1 << 20));
  c->add_option("--max-connections", a->max_connections, "Most connections; above, the answer is 503")
      ->check(whole(1, 65536));
  c->add_option("--deadline", a->deadline, "Seconds for a request to arrive and be answered")->check(time);
  c->add_option("--idle", a->idle, "Seconds that a connection may be silent between requests")->check(time);
  c->add_option("--drain", a->drain, "Seconds to finish what is under way when told to stop")->check(time);
  c->add_flag("--reload-endpoint", a->reload_endpoint, "Also load the model again at POST /v1/reload");
  c->add_flag("--quiet", a->quiet, "Log no requests");
  c->footer(
      "SIGHUP loads the model file again; a bad one is named and the old one stays in use.\n"
      "SIGTERM and SIGINT stop the server when all requests under way are answered. Exit codes:\n"
      "0 stopped so, 1 some requests were cut off, or the model or the address cannot be used.\n\n"
      "Examples:\n"
      "  captcha serve --model runs/first/final.safetensors\n"
      "  captcha serve --model runs/first/final.safetensors --port 0 --quiet --batch 64 --batch-wait 5\n"
      "  curl -H 'Content-Type: image/png' --data-binary @unseen/2_0.png http://127.0.0.1:8080/v1/predict\n"
      "  curl -F a=@unseen/2_0.png -F b=@unseen/3_1.png 'http://127.0.0.1:8080/v1/predict?cam=1'\n"
      "  kill -HUP $(pidof captcha)");
}

}  // namespace captcha::app
