// What `captcha serve` answers: its routes, and the threads that read the images.
#pragma once

#include "../solver.hpp"
#include "batcher.hpp"
#include "http.hpp"
#include "metrics.hpp"
#include "problem.hpp"
#include "reader.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace captcha::app {

/// All that a reload replaces at once.
struct Models {
  ServedModel characters;
  std::unique_ptr<const Solver> solver{};  ///< of whole CAPTCHAs; null where none was loaded
};

struct ServiceOptions {
  int threads = 1;                             ///< that compute a batch
  std::size_t batch = 32;                      ///< images that are read together
  std::chrono::microseconds batch_wait{2000};  ///< how long an image waits for others
  std::size_t queue = 256;                     ///< images that wait
  HttpLimits limits{};                         ///< of the server, which errors state
  bool reload_endpoint = false;
  bool quiet = false;
};

class Service final : public HttpHandler {
 public:
  using Load = std::function<std::shared_ptr<const Models>()>;

  /// Loads the models at once, and again for every reload. Throws what `load` throws.
  Service(const ServiceOptions& options, Load load);
  ~Service() override { stop(); }

  std::optional<HttpReply> refuse(const HttpRequest& head) override;
  void answer(HttpRequest request, Respond respond) override;
  HttpReply failure(int status) override;
  void answered(const HttpRecord& record) override;

  /// Loads the models again, in a thread of its own; those in use stay until the new ones are ready, and for
  /// good when they cannot be used. False when two reloads are under way already.
  bool reload(Respond respond = [](HttpReply) {});

  void drain() { draining_ = true; }  ///< from now on not ready
  void stop();                        ///< answers what waits and ends the threads

  /// Where `/metrics` finds how many connections there are.
  std::function<std::size_t()> connections = [] { return std::size_t{0}; };

 private:
  using Job = std::function<void()>;
  struct Request;  // for readings
  struct Picture {
    std::shared_ptr<Request> request;
    std::size_t index;
  };
  struct Route {
    std::string_view method, path;
    void (Service::*answer)(HttpRequest, Respond);
  };

  std::span<const Route> routes() const;
  const Route* route_of(std::string_view path) const;
  std::shared_ptr<const Models> models() const;

  void asset(HttpRequest request, Respond respond);
  void healthz(HttpRequest request, Respond respond);
  void readyz(HttpRequest request, Respond respond);
  void show_metrics(HttpRequest request, Respond respond);
  void read_characters(HttpRequest request, Respond respond);
  void read_captchas(HttpRequest request, Respond respond);
  void reload_now(HttpRequest request, Respond respond);

  void read(Batcher<Picture>& readers, HttpRequest request, Respond respond);
  template <class Decode, class Read>
  void read_batch(std::span<Picture> pictures, const std::string& size, Decode decode, Read read);
  std::vector<nlohmann::ordered_json> classify(std::span<const std::vector<float>> images);
  std::vector<nlohmann::ordered_json> explain(std::span<const Image> images);
  std::vector<nlohmann::ordered_json> solve(std::span<const Image> images);
  void settle(Request& request);
  HttpReply refusal(const Problem& problem, const std::string& kind = "");

  const ServiceOptions options_;
  const Load load_;
  Metrics metrics_;
  std::atomic<bool> draining_{false};
  mutable std::mutex guard_;
  std::shared_ptr<const Models> models_;

  // What each of the three threads that read images works with, and their queues.
  Workers workers_;
  BatchReader batch_reader_;
  Workers alone_{1};
  BatchReader single_reader_{1};
  GradCam<Network, character> grad_cam_{1};
  Batcher<Picture> characters_, explanations_, captchas_;
  Batcher<Job> reloads_;
};

}  // namespace captcha::app
