// The folder of a run among other processes, signals and files of others.
#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trainer_process.hpp"

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

using namespace reliability;
using namespace std::chrono_literals;

namespace {

/// Waits until `holds`; false after ten seconds.
bool wait_until(const auto& holds) {
  for (int i = 0; i < 5000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

std::size_t newest_step(const fs::path& folder) {
  const auto checkpoints = captcha::checkpoints_of(folder);
  return checkpoints.empty() ? 0 : std::stoul(checkpoints[0].stem().string().substr(11));
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("a second process is refused in the folder of a run, and a lock left by a killed one is not one") {
  const TemporaryFolder place;
  const fs::path folder = place.path / "run";
  const Undisturbed whole(place.path / "whole", {});
  Trainer first(folder, {"slow=500"});
  REQUIRE(wait_until([&] { return text_of(folder / "lock") == std::to_string(first.id()) + "\n"; }));
  const Outcome second = resume(folder, {});
  CHECK(second.code == 1);
  CHECK(second.said == "reliability_trainer: " + folder.string() + ": in use by process " +
                           std::to_string(first.id()) + "; wait for it, stop it, or choose another folder\n");
  first.send(SIGKILL);
  CHECK(first.wait().code == killed);
  CHECK(fs::exists(folder / "lock"));
  const Outcome third = resume(folder, {});
  INFO(third.said);
  CHECK(third.code == 0);
  CHECK(difference(ending(folder), whole.files) == "");
}

TEST_CASE("of processes that start together in one folder one trains, and the others are refused") {
  const TemporaryFolder place;
  const Undisturbed whole(place.path / "whole", {});
  std::size_t refused = 0;
  for (int round = 0; round < 10; ++round) {
    const fs::path around = place.path / "shared", folder = around / "run";
    fs::remove_all(around);
    fs::create_directories(around);
    std::vector<std::unique_ptr<Trainer>> trainers;
    for (int i = 0; i < 5; ++i)
      trainers.push_back(std::make_unique<Trainer>(folder, Words{"resume=1", "slow=2"}));
    std::size_t done = 0;
    for (const auto& trainer : trainers) {
      const Outcome outcome = trainer->wait();
      done += outcome.code == 0;
      if (outcome.code == 0) continue;
      INFO(outcome.said);
      CHECK(outcome.code == 1);
      CHECK_THAT(outcome.said, Catch::Contains(": in use by process ") ||
                                   Catch::Contains(": in use by another process; wait"));
      ++refused;
    }
    CHECK(done >= 1);
    CHECK(difference(ending(folder), whole.files) == "");
  }
  CHECK(refused > 10);
}

TEST_CASE("a signal after any step stops the run, saved, and it goes on to the same end") {
  const TemporaryFolder place;
  for (const Words& way : ways()) {
    const Undisturbed whole(place.path / "whole", way);
    const auto expected = result(place.path / "whole" / "run");
    const std::size_t steps = newest_step(place.path / "whole" / "run");
    REQUIRE(steps >= 6);
    for (std::size_t step = 1; step <= steps; ++step)
      for (const int signal : {SIGINT, SIGTERM}) {
        const fs::path folder = place.path / "stopped" / "run";
        fs::remove_all(folder);
        fs::create_directories(folder);
        const Outcome stopped =
            run(folder, with(way, {"signal=" + std::to_string(step), "number=" + std::to_string(signal)}));
        INFO("signal " << signal << " after step " << step << ": " << stopped.said);
        CHECK(stopped.said == "");
        // A step that waits for others before it is an update is not the last one.
        const std::size_t last = newest_step(folder);
        CHECK(last >= step);
        CHECK(last <= step + 1);
        // Where those others end the epoch, and it the run, there is nothing left to stop.
        CHECK(stopped.code == (fs::exists(folder / "final.safetensors") ? 0 : 128 + signal));
        CHECK_FALSE(fs::exists(folder / "lock"));
        const Outcome resumed = resume(folder, way);
        INFO(resumed.said);
        CHECK(resumed.code == 0);
        CHECK(difference(result(folder), expected) == "");
      }
  }
}

TEST_CASE("Ctrl-C from outside finishes the step, a second signal ends the program at once") {
  const TemporaryFolder place;
  const Undisturbed whole(place.path / "whole", {});
  const fs::path folder = place.path / "run";
  Trainer patient(folder, {"slow=100"});
  REQUIRE(wait_until([&] { return newest_step(folder) == 2; }));
  patient.send(SIGINT);
  CHECK(patient.wait().code == 128 + SIGINT);
  const std::size_t stopped = newest_step(folder);
  CHECK(stopped >= 2);
  CHECK(stopped < 6);

  // Steps of a minute.
  Trainer hasty(folder, {"resume=1", "slow=60000"});
  REQUIRE(wait_until([&] { return fs::exists(folder / "lock"); }));
  std::this_thread::sleep_for(200ms);
  hasty.send(SIGINT);
  std::this_thread::sleep_for(50ms);
  hasty.send(SIGTERM);
  const auto start = std::chrono::steady_clock::now();
  CHECK(hasty.wait().code == 128 + SIGTERM);
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(newest_step(folder) == stopped);

  CHECK(resume(folder, {}).code == 0);
  CHECK(difference(result(folder), result(place.path / "whole" / "run")) == "");
}

TEST_CASE("a run removes nothing that it did not make, and keeps its newest checkpoints and the best") {
  const TemporaryFolder place;
  const fs::path folder = place.path / "run";
  const std::vector<std::string> foreign{"notes.txt",
                                         "checkpoint-00000001.safetensors.bak",
                                         "checkpoint-00000002.safetensors.old",
                                         "checkpoint-.safetensors",
                                         "checkpoint-2a.safetensors",
                                         ".unfinished-mine",
                                         ".unfinished-12-letters",
                                         "models/checkpoint-00000003.safetensors"};
  fs::create_directories(folder / "models");
  for (const std::string& name : foreign) write(folder / name, "of somebody else: " + name);
  REQUIRE(run(folder, {"keep=3", "steps=1", "signal=4"}).code == 128 + SIGINT);

  // What looks like a newer checkpoint is passed over, with a warning, and stays.
  const fs::path newer = folder / "checkpoint-99999999.safetensors";
  write(newer, "no checkpoint at all");
  const Outcome resumed = resume(folder, {"keep=3", "steps=1"});
  CHECK(resumed.code == 0);
  CHECK_THAT(resumed.said, Catch::StartsWith("warning: " + newer.string() + ": "));
  CHECK(text_of(newer) == "no checkpoint at all");
  for (const std::string& name : foreign) CHECK(text_of(folder / name) == "of somebody else: " + name);

  std::vector<std::string> steps;
  for (const fs::path& path : captcha::checkpoints_of(folder)) steps.push_back(path.filename().string());
  CHECK(steps ==
        std::vector<std::string>{"checkpoint-99999999.safetensors", "checkpoint-00000006.safetensors",
                                 "checkpoint-00000005.safetensors", "checkpoint-00000004.safetensors"});
  CHECK(captcha::SafetensorsFile::read(folder / "best.safetensors").integrity() ==
        captcha::Integrity::verified);

  // A model in the place of a checkpoint is named, and stays too.
  fs::copy_file(folder / "final.safetensors", newer, fs::copy_options::overwrite_existing);
  const std::string model = text_of(newer);
  const Outcome refused = resume(folder, {"keep=3", "steps=1"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.said, Catch::Contains(newer.string() + ": a model, not a checkpoint"));
  CHECK(text_of(newer) == model);
}

TEST_CASE("temporary files of killed runs are removed, those of living processes are not") {
  const TemporaryFolder place;
  const fs::path folder = place.path / "run";
  fs::create_directories(folder);
  Trainer gone(place.path / "gone", {});
  const std::string dead = ".unfinished-" + std::to_string(gone.id()) + "-7";
  gone.send(SIGKILL);
  gone.wait();
  const std::string living = ".unfinished-" + std::to_string(::getpid()) + "-7";
  write(folder / dead, "half");
  write(folder / living, "half");
  CHECK(run(folder).code == 0);
  CHECK_FALSE(fs::exists(folder / dead));
  CHECK(fs::exists(folder / living));
}
