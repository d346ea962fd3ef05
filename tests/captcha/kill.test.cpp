// The program itself, killed at random times: going on ends with the files of a run that nothing disturbed.
#include <captcha/core/random.hpp>

#include "catch.hpp"
#include "desk.hpp"
#include "sanitizer.hpp"
#include "without_clock.hpp"
#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

namespace fs = std::filesystem;
using namespace std::chrono;

TEST_CASE("a training that is killed at any moment goes on to the bytes of one never killed") {
  constexpr std::size_t runs = sanitized ? 1 : 3, kills_of_a_run = 3;
  const Desk desk;
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 60").code == 0);
  const std::string train =
      "train --quiet --threads 1 --epochs 3 --batch 10 --checkpoint-steps 2 --val-fraction 0.2 --data " +
      (desk / "c") + " --out ";
  const auto start = steady_clock::now();
  REQUIRE(desk.run(train + (desk / "whole")).code == 0);
  const auto most =
      static_cast<std::uint32_t>(duration_cast<milliseconds>(steady_clock::now() - start).count());

  captcha::Random random(3, captcha::Purpose::test);
  std::size_t kills = 0, in_between = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    const std::string folder = desk / ("run" + std::to_string(run));
    const std::string go_on = train + folder + " --resume";
    for (std::size_t i = 0; i < kills_of_a_run; ++i) {
      const pid_t program = desk.start(go_on);
      std::this_thread::sleep_for(milliseconds(1 + random.below(most / 2)));
      ::kill(program, SIGKILL);
      const Outcome outcome = desk.wait(program);
      INFO(outcome.err);
      REQUIRE((outcome.code == -1 || outcome.code == 0));  // 0: it was faster
      kills += outcome.code == -1;
      in_between += outcome.code == -1 && !fs::exists(folder + "/final.safetensors") &&
                    fs::exists(folder + "/config.toml");
    }
    const Outcome resumed = desk.run(go_on);
    INFO("run " << run << ": " << resumed.err);
    REQUIRE(resumed.code == 0);
    const std::string name = "run" + std::to_string(run) + "/";
    CHECK(desk.text(name + "final.safetensors") == desk.text("whole/final.safetensors"));
    CHECK(desk.text(name + "best.safetensors") == desk.text("whole/best.safetensors"));
    CHECK(without_clock(desk.text(name + "metrics.jsonl")) ==
          without_clock(desk.text("whole/metrics.jsonl")));
    CHECK_THAT(desk.text(name + "metrics.jsonl"), Catch::Contains("\"epoch\":3,"));
  }
  WARN(kills << " kills, " << in_between << " of them while it trained");
  CHECK(in_between > 0);
}
