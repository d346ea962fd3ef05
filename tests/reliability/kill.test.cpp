// Runs that are killed: what goes on afterwards ends with the same files as a run that was never disturbed.
#include <captcha/core/random.hpp>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trainer_process.hpp"

#include <chrono>
#include <thread>

using namespace reliability;

namespace {

/// Goes on with a run until it ends; returns how often it was killed.
std::size_t go_on(const fs::path& folder, const Words& options, const auto& lifetime) {
  for (std::size_t kills = 0;; ++kills) {
    Trainer trainer(folder, with(options, {"resume=1"}));
    if (const auto time = lifetime(kills); time.count() > 0) {
      std::this_thread::sleep_for(time);
      trainer.send(SIGKILL);
    }
    const Outcome outcome = trainer.wait();
    if (outcome.code == killed) continue;
    INFO(outcome.said);
    REQUIRE(outcome.code == 0);
    return kills;
  }
}

/// The number in an environment variable, or else `usual`.
std::size_t number(const char* variable, std::size_t usual) {
  const char* const text = std::getenv(variable);
  return text ? std::stoul(text) : usual;
}

void kill_at_random_times(std::size_t kills) {
  const TemporaryFolder place;
  captcha::Random random(number("CAPTCHA_KILL_SEED", 1), captcha::Purpose::test);
  std::size_t done = 0, runs = 0, in_epochs = 0;
  for (const Words& way : ways()) {
    // Slower steps, so that most of the time is spent within epochs and not in starting the program.
    const Words options = with(way, {"slow=3"});
    const auto start = std::chrono::steady_clock::now();
    const Undisturbed whole(place.path / "whole", options);
    const auto most =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    for (const std::size_t goal = done + kills / 2; done < goal; ++runs) {
      const fs::path around = place.path / "killed", folder = around / "run";
      fs::remove_all(around);
      fs::create_directories(around);
      const std::size_t chain = 1 + random.below(6);
      done += go_on(folder, options, [&](std::size_t before) {
        in_epochs += before > 0 && !captcha::checkpoints_of(folder).empty() &&
                     !fs::exists(folder / "final.safetensors");
        return std::chrono::microseconds(
            before < chain ? random.below(static_cast<std::uint32_t>(most.count())) : 0);
      });
      INFO("run " << runs);
      CHECK(difference(ending(folder), whole.files) == "");
    }
  }
  WARN(done << " kills in " << runs << " runs, " << in_epochs << " of them between first checkpoint and end");
  CHECK(in_epochs > done / 8);
}

}  // namespace

TEST_CASE("a run killed before or after any call that saves goes on to the same end") {
  const TemporaryFolder place;
  std::size_t kills = 0;
  for (const Words& way : ways()) {
    const Undisturbed whole(place.path / "whole", way);
    REQUIRE(whole.calls.size() > 100);
    const fs::path around = place.path / "killed", folder = around / "run";
    for (std::size_t call = 1; call <= whole.calls.size(); call += every)
      for (const char* when : {"kill-before", "kill-after"}) {
        // Between two writes nothing happens: after one of them is before the next.
        if (std::string_view(when) == "kill-after" && call < whole.calls.size() &&
            whole.calls[call - 1].operation == Operation::write &&
            whole.calls[call].operation == Operation::write)
          continue;
        fs::remove_all(around);
        fs::create_directories(around);
        const Outcome first =
            run(folder, way, {std::string("SHIM_DO=") + when, "SHIM_CALL=" + std::to_string(call)});
        INFO(when << " call " << call << ", " << whole.calls[call - 1].name());
        REQUIRE(first.code == killed);
        const Outcome second = resume(folder, way);
        INFO(second.said);
        REQUIRE(second.code == 0);
        CHECK(second.said == "");
        CHECK(difference(ending(folder), whole.files) == "");
        ++kills;
      }
  }
  WARN(kills << " kills");
}

TEST_CASE("a run killed at random times, some of them several times, goes on to the same end") {
  kill_at_random_times(number("CAPTCHA_KILLS", sanitized ? 8 : 40));
}

TEST_CASE("a run killed at 200 random times goes on to the same end", "[.long]") {
  kill_at_random_times(number("CAPTCHA_KILLS", 200));
}
