// Asks the program for a while, half of the time for what it must refuse, and fails when an answer is wrong,
// memory grows, a descriptor leaks, or the program does not end well.
//   serve_soak CAPTCHA SECONDS [MOST_GROWTH_IN_MIB]
#include <captcha/data/png.hpp>
#include <captcha/model/predictor.hpp>

#include "character_image.hpp"
#include "client.hpp"
#include "ranking.hpp"
#include "solver.hpp"
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <thread>

using namespace captcha;
using namespace captcha::app;
using namespace serve_test;
using nlohmann::json;

namespace {

std::string picture(std::uint64_t seed, int height, int width) {
  Image image{height, width, 1, {}};
  Random random(seed);
  for (int i = 0; i < height * width; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  const auto png = encode_png(image);
  return {png.begin(), png.end()};
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Pictures and what must be read in them.
struct Known {
  std::vector<std::string> characters{}, captchas{};
  std::vector<Ranking> rankings{};
  std::vector<Reading> readings{};

  Known() {
    Predictor<Network, character> predictor{Weights<Network>(1)};
    const Solver solver{Solver::Packed(Weights<SolverNetwork>(1))};
    for (std::uint64_t i = 0; i < 16; ++i) {
      characters.push_back(picture(i, character.height, character.width));
      rankings.emplace_back(predictor.probabilities(prepared(decode_png(bytes_of(characters[i]), "x"))));
    }
    for (std::uint64_t i = 0; i < 4; ++i) {
      captchas.push_back(picture(100 + i, captcha_height, captcha_width));
      readings.push_back(solver(decode_png(bytes_of(captchas[i]), "x")));
    }
  }
};

bool near(double a, double b) {
  return std::abs(a - b) < 1e-3;
}

bool is_right(const json& prediction, const Ranking& ranking) {
  // Where two classes are as likely, either may stand first.
  const std::string label = prediction["label"];
  const auto number =
      static_cast<std::size_t>(std::find(labels.begin(), labels.end(), label[0]) - labels.begin());
  return number < labels.size() &&
         near(prediction["probability"], static_cast<double>(ranking.probability[number])) &&
         near(static_cast<double>(ranking.probability[number]), ranking.at(0));
}

/// One client after the other, good and bad ones in turns.
class Visitor {
 public:
  Visitor(const Program& program, const Known& known, std::uint64_t seed)
      : program_(program), known_(known), random_(seed) {}

  std::size_t good = 0, bad = 0, wrong = 0;

  void visit() {
    try {
      for (std::uint32_t i = 0, count = 1 + random_.below(4); i < count; ++i) ask_well();
    } catch (const std::exception& error) {
      blame("a good request", error.what());
    }
    try {
      for (std::uint32_t i = 0, count = 1 + random_.below(4); i < count; ++i) misbehave();
    } catch (const std::exception& error) {
      blame("a bad request", error.what());
    }
  }

 private:
  void blame(const std::string& what, const std::string& how) {
    if (++wrong > 10) return;  // enough to see what it is
    std::fprintf(stderr, "wrong: %s: %s\n", what.c_str(), how.c_str());
  }
  void expect(bool holds, const std::string& what, const Reply& reply) {
    if (!holds) blame(what, std::to_string(reply.status) + " " + reply.body.substr(0, 300));
  }
  std::size_t some(std::size_t count) { return random_.below(static_cast<std::uint32_t>(count)); }

  void ask_well() {
    ++good;
    Client client = program_.client(60s);
    const std::size_t n = some(16);
    switch (some(8)) {
      case 0: {
        const Reply reply = client.ask(get("/healthz"));
        return expect(reply.status == 200, "/healthz", reply);
      }
      case 1: {
        const std::size_t m = some(16);
        const auto [body, type] = form({known_.characters[n], known_.characters[m]});
        const Reply reply = client.ask(post("/v1/predict", body, type));
        return expect(reply.status == 200 &&
                          is_right(json::parse(reply.body)["predictions"][0], known_.rankings[n]) &&
                          is_right(json::parse(reply.body)["predictions"][1], known_.rankings[m]),
                      "two images", reply);
      }
      case 2: {
        const Reply reply = client.ask(post("/v1/predict?cam=1", known_.characters[n]));
        return expect(reply.status == 200 &&
                          is_right(json::parse(reply.body)["predictions"][0], known_.rankings[n]) &&
                          json::parse(reply.body)["predictions"][0].contains("cam"),
                      "an explanation", reply);
      }
      case 3: {
        const std::size_t m = some(known_.captchas.size());
        const Reply reply = client.ask(post("/v1/solve", known_.captchas[m]));
        return expect(reply.status == 200 &&
                          json::parse(reply.body)["predictions"][0]["text"] == known_.readings[m].text,
                      "a CAPTCHA", reply);
      }
      default:
        for (int i = 0; i < 3; ++i) {
          const Reply reply = client.ask(post("/v1/predict", known_.characters[n]));
          expect(
              reply.status == 200 && is_right(json::parse(reply.body)["predictions"][0], known_.rankings[n]),
              "an image", reply);
        }
    }
  }

  void misbehave() {
    ++bad;
    Client client = program_.client(60s);
    const auto refused = [&](const std::string& request, std::initializer_list<int> statuses) {
      client.send(request);
      client.shut();
      const Reply reply = client.reply();
      expect(std::find(statuses.begin(), statuses.end(), reply.status) != statuses.end(),
             request.substr(0, 200), reply);
    };
    std::string damaged = known_.characters[some(16)];
    const std::string head = "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n";
    switch (some(14)) {
      case 0: {
        const std::size_t bit = some(8 * damaged.size());
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
        return refused(post("/v1/predict", damaged), {415, 422});
      }
      case 1:
        return refused(post("/v1/predict", damaged.substr(0, some(damaged.size()))), {415, 422});
      case 2:
        return refused(post("/v1/predict?cam=1", picture(1, 40, 40)), {422});
      case 3:
        return refused(post("/v1/solve", damaged), {422});
      case 4:
        return refused(post("/v1/predict", damaged, "text/plain"), {415});
      case 5: {
        const auto [body, type] = form({damaged, "no picture"});
        return refused(post("/v1/predict", body, type), {415});
      }
      case 6:
        return refused(post("/v1/predict", damaged, "multipart/form-data; boundary=x"), {422});
      case 7:
        return refused(head + "Content-Length: 65537\r\n\r\n", {413});
      case 8:
        return refused("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9000, 'x'), {431});
      case 9:
        return refused(
            head + "Transfer-Encoding: chunked\r\n\r\n" + (some(2) == 0 ? "-1\r\n\r\n" : "zz\r\n\r\n"),
            {400});
      case 10: {
        std::string noise;
        for (std::size_t i = 0, count = 1 + some(300); i < count; ++i)
          noise += static_cast<char>(random_.below(256));
        return refused(noise + "\r\n\r\n", {400, 505});
      }
      case 11:  // cut off in the middle, and away
        client.send(post("/v1/predict", damaged).substr(0, some(damaged.size())));
        return;
      case 12:  // never reads the answers
        for (int i = 0; i < 5; ++i) client.send(get("/page.js"));
        return;
      default: {  // stops half-way and waits
        client.send(head + "Content-Length: 100\r\n\r\nhalf");
        client.shut();
        const Reply reply = client.reply();
        return expect(reply.status == 400, "half a request", reply);
      }
    }
  }

  const Program& program_;
  const Known& known_;
  Random random_;
};

struct Sample {
  double seconds, mebibytes;
  std::size_t files;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: serve_soak CAPTCHA SECONDS [MOST_GROWTH_IN_MIB]\n"), 2;
  const double seconds = std::atof(argv[2]), most_growth = argc > 3 ? std::atof(argv[3]) : 8;
  std::string folder = (std::filesystem::temp_directory_path() / "serve-soak-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return std::perror(folder.c_str()), 1;
  save_weights(folder + "/model", Weights<Network>(1), to_metadata<Network>(character_info()));
  save_weights(folder + "/solver", Weights<SolverNetwork>(1), to_metadata<SolverNetwork>(solver_info()));
  const Known known;
  int failures = 0;
  const auto require = [&](bool holds, const char* what) {
    if (!holds) std::fprintf(stderr, "failed: %s\n", what);
    failures += !holds;
  };
  {
    Program program(
        argv[1], {"--model", folder + "/model", "--solver", folder + "/solver", "--threads", "1", "--quiet"},
        folder);
    const std::size_t files = program.open_files();
    const auto start = Clock::now();
    const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    std::array<std::atomic<std::size_t>, 3> sums{};
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 0; seed < 8; ++seed)
      threads.emplace_back([&, seed] {
        Visitor visitor(program, known, seed);
        while (elapsed() < seconds && visitor.wrong < 100) visitor.visit();
        sums[0] += visitor.good;
        sums[1] += visitor.bad;
        sums[2] += visitor.wrong;
      });
    // The first fifth is for memory that is kept for later. Models are loaded again in it, and between the
    // two whose memory is compared: for a moment there are two of each.
    std::vector<Sample> samples;
    double slowest = 0;
    while (elapsed() < seconds && failures == 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 50));
      samples.push_back(
          {elapsed(), static_cast<double>(program.resident_bytes()) / (1 << 20), program.open_files()});
      if (const std::size_t n = samples.size(); n % 5 == 1 && (n < 8 || (n > 20 && n < 38)))
        program.signal(SIGHUP);
      const auto begin = Clock::now();
      try {
        require(program.ask(get("/healthz")).status == 200, "/healthz");
      } catch (const std::exception& error) {
        require(false, error.what());
      }
      slowest = std::max(slowest, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    for (std::thread& thread : threads) thread.join();
    if (failures > 0) return std::fprintf(stderr, "the program said: %s\n", program.err().c_str()), 1;
    const auto mean = [&](std::size_t first, std::size_t count) {
      double sum = 0;
      for (std::size_t i = first; i < first + count; ++i) sum += samples[i].mebibytes;
      return sum / static_cast<double>(count);
    };
    const std::size_t fifth = samples.size() / 5;
    const double before = mean(fifth, fifth), after = mean(samples.size() - fifth, fifth);
    std::printf(
        "%.0f s: %zu good and %zu bad requests, %zu wrong answers; memory %.1f MiB in the second fifth, %.1f "
        "in "
        "the last; slowest /healthz %.1f ms\n",
        elapsed(), sums[0].load(), sums[1].load(), sums[2].load(), before, after, slowest);
    require(sums[0] > 20 && sums[1] > 20, "too few requests to say anything");
    require(sums[2] == 0, "answers were wrong");
    require(after - before < most_growth, "memory grew");
    const auto quiet = Clock::now();
    while (program.open_files() > files && Clock::now() - quiet < 20s) std::this_thread::sleep_for(20ms);
    std::printf("open files: %zu at the start, %zu at the end\n", files, program.open_files());
    require(program.open_files() == files, "a descriptor leaked");
    program.signal(SIGTERM);
    require(program.wait(60s) == 0, "the program did not end with 0");
    const std::string said = program.err();
    require(said.find("failed") == said.npos && said.find("ERROR") == said.npos &&
                said.find("WARNING") == said.npos,
            said.c_str());
  }
  std::filesystem::remove_all(folder);
  return failures > 0;
}
