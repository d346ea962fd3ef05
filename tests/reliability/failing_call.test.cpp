// A disk that is full, broken or read-only at any moment of a run: one line that names what and why, nothing
// half-written, and once the disk is well again the run goes on to the same end.
#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trainer_process.hpp"

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <vector>

using namespace reliability;

namespace {

/// Runs may end as if these had not failed: what is left over does no harm, and the next run removes it.
const std::set<std::string> harmless{"unlink lock", "unlink checkpoint", "close lock", "close run",
                                     "close around"};

struct Failure {
  const char* how;  ///< see the shim
  std::vector<int> reasons;
  bool can_remove = true;  ///< whether temporary files can still be removed
};

/// Lets each call of a run fail, each for the next of the reasons. Returns how many, and adds to `ignored`
/// what was none the worse for it.
std::size_t let_each_fail(const fs::path& place, const Words& way, const Failure& failure,
                          std::multiset<std::string>& ignored) {
  const fs::path around = place / "around", folder = around / "run";
  const Undisturbed whole(around, way);
  const Words about = subjects(whole.calls);
  for (std::size_t call = 1; call <= about.size(); call += every) {
    fs::remove_all(around);
    fs::create_directories(around);
    const int reason = failure.reasons[call % failure.reasons.size()];
    const Outcome failed = run(folder, way,
                               {std::string("SHIM_DO=") + failure.how, "SHIM_CALL=" + std::to_string(call),
                                "SHIM_ERRNO=" + std::to_string(reason)});
    INFO("call " << call << ", " << about[call - 1] << ": " << std::strerror(reason)
                 << "; said: " << failed.said);
    if (failed.code == 0) {
      ignored.insert(about[call - 1]);
      CHECK(failed.said == "");
    } else {
      CHECK(failed.code == 1);
      CHECK(std::ranges::count(failed.said, '\n') == 1);
      CHECK_THAT(failed.said, Catch::StartsWith("reliability_trainer: " + folder.string()) &&
                                  Catch::EndsWith(std::string(": ") + std::strerror(reason) + "\n"));
    }
    if (failure.can_remove) CHECK(unfinished(folder) == 0);
    for (const fs::path& checkpoint : captcha::checkpoints_of(folder))
      CHECK_NOTHROW(captcha::SafetensorsFile::read(checkpoint));
    const Outcome resumed = resume(folder, way);
    INFO(resumed.said);
    CHECK(resumed.code == 0);
    CHECK(resumed.said == "");
    CHECK(difference(ending(folder), whole.files) == "");
  }
  return about.size();
}

void fail_once(const std::vector<int>& reasons) {
  const TemporaryFolder place;
  std::size_t calls = 0;
  for (const Words& way : ways()) {
    std::multiset<std::string> ignored;
    calls += let_each_fail(place.path, way, {"fail", reasons}, ignored);
    for (const std::string& about : ignored) {
      INFO(about);
      CHECK(harmless.contains(about));
    }
  }
  WARN(calls << " failing calls");
}

}  // namespace

TEST_CASE("any call that fails once ends the run with one line, and the run goes on to the same end") {
  fail_once({ENOSPC, EIO, EDQUOT});
}

TEST_CASE("any call that fails for any reason ends the run with one line", "[.long]") {
  for (const int reason : {ENOSPC, EIO, EDQUOT}) fail_once({reason});
}

TEST_CASE("a disk that is full from any call on ends the run with one line and no temporary file") {
  const TemporaryFolder place;
  std::size_t calls = 0;
  for (const Words& way : ways()) {
    std::multiset<std::string> ignored;
    calls += let_each_fail(place.path, way, {"full", {ENOSPC}}, ignored);
    // At the very end nothing more is written.
    for (const std::string& about : ignored) CHECK(harmless.contains(about));
  }
  WARN(calls << " full disks");
}

TEST_CASE("a disk that can only be read from any call on ends the run with one line") {
  const TemporaryFolder place;
  std::size_t calls = 0;
  for (const Words& way : ways()) {
    std::multiset<std::string> ignored;
    calls += let_each_fail(place.path, way, {"fail-on", {EROFS}, false}, ignored);
    for (const std::string& about : ignored) CHECK(harmless.contains(about));
  }
  WARN(calls << " disks that became read-only");
}

TEST_CASE("a run in a folder that can only be read is left as it is") {
  const TemporaryFolder place;
  const fs::path folder = place.path / "run";
  REQUIRE(run(folder, {"signal=4"}).code == 128 + SIGINT);
  const auto before = ending(folder);
  const Outcome outcome =
      resume(folder, {}, {"SHIM_DO=fail-on", "SHIM_CALL=1", "SHIM_ERRNO=" + std::to_string(EROFS)});
  CHECK(outcome.code == 1);
  CHECK(outcome.said ==
        "reliability_trainer: " + folder.string() + ": cannot be locked: Read-only file system\n");
  CHECK(difference(ending(folder), before) == "");
}

TEST_CASE("any call that fails while a run is gone on with is said in one line, and the run loses nothing") {
  const TemporaryFolder place;
  std::size_t calls = 0, older = 0;
  for (const Words& way : ways()) {
    const Undisturbed whole(place.path / "whole", way);
    const fs::path stopped = place.path / "stopped", around = place.path / "around", folder = around / "run",
                   log = place.path / "log";
    REQUIRE(run(stopped, with(way, {"signal=5"})).code == 128 + SIGINT);
    const auto go_on = [&](const Words& shim) {
      fs::remove_all(around);
      fs::create_directories(around);
      fs::copy(stopped, folder);
      return resume(folder, way, with(shim, {"SHIM_READS=1"}));
    };
    REQUIRE(go_on({"SHIM_LOG=" + log.string()}).code == 0);
    const Words about = subjects(recorded(log));
    fs::remove(log);
    fs::remove_all(stopped / "lock");
    for (std::size_t call = 1; call <= about.size(); ++call) {
      const std::string operation = about[call - 1].substr(0, about[call - 1].find(' '));
      if (operation != "opendir" && operation != "readdir" && operation != "read" && operation != "mmap" &&
          about[call - 1] != "open checkpoint")
        continue;
      const Outcome failed =
          go_on({"SHIM_DO=fail", "SHIM_CALL=" + std::to_string(call), "SHIM_ERRNO=" + std::to_string(EIO)});
      INFO("call " << call << ", " << about[call - 1] << "; said: " << failed.said);
      CHECK(std::ranges::count(failed.said, '\n') <= 1);
      if (failed.code == 1) {
        CHECK_THAT(failed.said, Catch::StartsWith("reliability_trainer: " + folder.string()) &&
                                    Catch::Contains(std::strerror(EIO)));
        const Outcome resumed = resume(folder, way);
        INFO(resumed.said);
        CHECK(resumed.code == 0);
        CHECK(resumed.said == "");
      } else {
        // The checkpoint before serves as well; temporary files of killed runs can wait.
        CHECK(failed.code == 0);
        older += failed.said != "";
        if (failed.said != "")
          CHECK_THAT(failed.said, Catch::StartsWith("warning: " + folder.string() + "/checkpoint-") &&
                                      Catch::EndsWith(std::string(": ") + std::strerror(EIO) + "\n"));
      }
      CHECK(difference(result(folder), result(place.path / "whole" / "run")) == "");
      ++calls;
    }
    fs::remove_all(stopped);
  }
  CHECK(calls > 20);
  CHECK(older > 0);
  WARN(calls << " failing calls, " << older << " of them answered by the checkpoint before");
}

TEST_CASE("writes that take only a part of the bytes are continued") {
  const TemporaryFolder place;
  for (const Words& way : ways()) {
    const Undisturbed whole(place.path / "whole", way);
    const fs::path around = place.path / "short", folder = around / "run", log = place.path / "log";
    fs::create_directories(around);
    const Outcome outcome = run(folder, way, {"SHIM_DO=short", "SHIM_LOG=" + log.string()});
    INFO(outcome.said);
    CHECK(outcome.code == 0);
    CHECK(recorded(log).size() > 2 * whole.calls.size());
    CHECK(difference(ending(folder), whole.files) == "");
    fs::remove_all(around);
    fs::remove(log);
  }
}
