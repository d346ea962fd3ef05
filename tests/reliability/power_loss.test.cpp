// A power cut at any moment of a run: the newest checkpoint that was saved is still there, and going on from
// it ends with the same file.
#include "power_loss.hpp"

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trainer_process.hpp"

#include <string>

using namespace reliability;

namespace {

struct Simulated {
  std::size_t states = 0, saved = 0, torn = 0, resumed = 0;
  std::size_t lost = 0;   ///< states in which a checkpoint had been saved and none can be read
  std::size_t older = 0;  ///< states in which only older ones can be read than had been saved
};

/// The step of the newest checkpoint of a folder that can be read, or 0. `torn` counts the ones that cannot.
std::size_t newest_step(const fs::path& folder, std::size_t& torn) {
  for (const fs::path& path : captcha::checkpoints_of(folder)) try {
      captcha::SafetensorsFile::read(path);
      return std::stoul(path.stem().string().substr(std::string_view("checkpoint-").size()));
    } catch (const captcha::Error&) {
      ++torn;
    }
  return 0;
}

/// Cuts the power `states` times at random moments. Every `resume_each`th state is gone on from; 0: none.
Simulated simulate(const TemporaryFolder& place, Syncs syncs, std::size_t states, std::size_t resume_each) {
  const fs::path around = place.path / "whole", folder = around / "run";
  const Undisturbed whole(around, {});
  captcha::Random random(11, captcha::Purpose::test);
  Simulated found;
  while (found.states < states) {
    const std::size_t cut = random.below(static_cast<std::uint32_t>(whole.calls.size() + 1));
    Disk disk(around.string(), syncs);
    std::size_t saved = 0, renamed = 0;  // the step of the newest checkpoint whose folder was synced after it
    for (std::size_t i = 0; i < cut; ++i) {
      const Call& call = whole.calls[i];
      disk.apply(call);
      const std::string name = fs::path(call.two).stem().string();
      if (call.operation == Operation::rename && name.starts_with("checkpoint-"))
        renamed = std::stoul(name.substr(std::string_view("checkpoint-").size()));
      // The next sync after a rename is that of its folder.
      if (call.operation == Operation::fsync) saved = renamed;
    }
    for (int variant = 0; variant < 4; ++variant, ++found.states) {
      fs::remove_all(around);
      fs::create_directories(around);
      for (const auto& [path, text] : disk.after_power_cut(random))
        if (disk.is_folder(path))
          fs::create_directories(path);
        else
          std::ofstream(path, std::ios::binary) << text;
      std::size_t torn = 0;
      const std::size_t newest = newest_step(folder, torn);
      found.torn += torn > 0;
      found.saved += saved > 0;
      found.lost += saved > 0 && newest == 0;
      found.older += newest < saved;
      if (resume_each == 0 || found.states % resume_each != 0) continue;
      // Before the first checkpoint this starts the run.
      const Outcome outcome = resume(folder, {});
      INFO("cut after call " << cut << " of " << whole.calls.size() << "; " << outcome.said);
      CHECK(outcome.code == 0);
      CHECK(text_of(folder / "final.safetensors") == whole.files.at("final.safetensors"));
      CHECK(unfinished(folder) == 0);
      ++found.resumed;
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a power cut loses no checkpoint that was saved, and the run goes on to the same end") {
  const TemporaryFolder place;
  const Simulated found = simulate(place, {}, sanitized ? 240 : 2400, 10);
  WARN(found.states << " states, " << found.saved << " after the first checkpoint, " << found.resumed
                    << " gone on from");
  CHECK(found.saved > found.states / 2);
  CHECK(found.resumed == found.states / 10);
  CHECK(found.torn == 0);
  CHECK(found.lost == 0);
  CHECK(found.older == 0);
}

TEST_CASE("the simulated power cuts would notice a missing fsync") {
  const TemporaryFolder place;
  const Simulated none = simulate(place, {.files = false, .folders = false}, 400, 0);
  CHECK(none.lost > 0);
  CHECK(none.torn > 0);
  const Simulated no_files = simulate(place, {.files = false, .folders = true}, 400, 0);
  CHECK(no_files.lost > 0);
  CHECK(no_files.torn > 0);
  const Simulated no_folders = simulate(place, {.files = true, .folders = false}, 400, 0);
  CHECK(no_folders.lost > 0);
  CHECK(no_folders.torn == 0);
  WARN("states of 400 in which nothing can be read: " << none.lost << " without any fsync, " << no_files.lost
                                                      << " without that of files, " << no_folders.lost
                                                      << " without that of folders");
}
