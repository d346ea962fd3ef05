// What dynamic batching brings: many clients ask two servers, which have the same threads, in turns. One
// reads image by image, the other in batches.
//   serve_load CAPTCHA [CLIENTS [SECONDS [ROUNDS [THREADS]]]]
#include <captcha/data/png.hpp>

#include "characters.hpp"
#include "client.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace captcha;
using namespace captcha::app;
using namespace serve_test;

namespace {

std::string picture(std::uint64_t seed) {
  Image image{character.height, character.width, 1, {}};
  Random random(seed);
  for (std::size_t i = 0; i < character.size(); ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  const auto png = encode_png(image);
  return {png.begin(), png.end()};
}

struct Figures {
  double per_second, median, p99;  // answers; milliseconds
};

Figures measure(const Program& server, std::size_t clients, double seconds) {
  std::vector<std::vector<double>> times(clients);
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (std::size_t i = 0; i < clients; ++i)
    threads.emplace_back([&, i] {
      Client client = server.client();
      const std::string request = post("/v1/predict", picture(i));
      for (auto begin = Clock::now(); begin < end; begin = Clock::now()) {
        if (client.ask(request).status != 200) std::abort();
        times[i].push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
      }
    });
  for (std::thread& thread : threads) thread.join();
  const double taken = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) {
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  };
  return {static_cast<double>(all.size()) / taken, at(0.5), at(0.99)};
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    return std::fprintf(stderr, "usage: serve_load CAPTCHA [CLIENTS [SECONDS [ROUNDS [THREADS]]]]\n"), 2;
  const auto option = [&](int place, int fallback) {
    return argc > place ? std::atoi(argv[place]) : fallback;
  };
  const auto clients = static_cast<std::size_t>(option(2, 32));
  const int rounds = option(4, 5);
  const std::string threads = std::to_string(option(5, 1));
  std::string folder = (std::filesystem::temp_directory_path() / "serve-load-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return std::perror(folder.c_str()), 1;
  const std::string model = folder + "/model.safetensors";
  save_weights(model, Weights<Network>(1), to_metadata<Network>(character_info()));
  {
    const auto start = [&](const std::string& name, const std::vector<std::string>& options) {
      std::vector<std::string> words{"--model", model, "--quiet", "--threads", threads};
      words.insert(words.end(), options.begin(), options.end());
      std::filesystem::create_directories(folder + "/" + name);
      return std::make_unique<Program>(argv[1], words, folder + "/" + name);
    };
    const auto single = start("single", {"--batch", "1", "--batch-wait", "0"}),
               batched = start("batched", {});
    std::vector<Figures> figures[2];
    std::printf("%zu clients, %s threads that compute\n", clients, threads.c_str());
    std::printf(
        "round  one by one: answers/s, median, p99 ms   in batches: answers/s, median, p99 ms   ratio\n");
    for (int round = 0; round < rounds; ++round) {
      figures[0].push_back(measure(*single, clients, option(3, 5)));
      figures[1].push_back(measure(*batched, clients, option(3, 5)));
      const Figures &one = figures[0].back(), &many = figures[1].back();
      std::printf("%5d  %20.0f %9.1f %8.1f %24.0f %9.1f %8.1f %8.2f\n", round + 1, one.per_second, one.median,
                  one.p99, many.per_second, many.median, many.p99, many.per_second / one.per_second);
      std::fflush(stdout);
    }
    const auto of = [&](int which, double Figures::*value) {
      std::vector<double> all;
      for (const Figures& one : figures[which]) all.push_back(one.*value);
      return middle(all);
    };
    std::printf("median %20.0f %9.1f %8.1f %24.0f %9.1f %8.1f %8.2f\n", of(0, &Figures::per_second),
                of(0, &Figures::median), of(0, &Figures::p99), of(1, &Figures::per_second),
                of(1, &Figures::median), of(1, &Figures::p99),
                of(1, &Figures::per_second) / of(0, &Figures::per_second));
  }
  std::filesystem::remove_all(folder);
}
