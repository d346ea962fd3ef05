// The images that a run was judged by while it was trained.
#pragma once

#include <captcha/core/error.hpp>
#include <captcha/train/run_folder.hpp>
#include <captcha/train/samples.hpp>

#include "characters.hpp"
#include "option_checks.hpp"
#include "run_record.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace captcha::app {

/// Those of --val-data, or the part of --data that was kept back, which the run never learnt from. Error when
/// that can no longer be told.
inline JudgedImages images_judged_by(const RunRecord& run) {
  const auto fail = [&run](const std::string& what) {
    throw Error(run.name + ": " + what + "; give --data, a folder of characters to judge by");
  };
  if (run.setting("data").empty()) fail("its config.toml does not say what it was trained on");
  const auto open = [&run](const std::string& folder) {
    return open_characters(folder, run.setting("resize") == "true",
                           run.setting("on-bad-image") == "fail" ? BadFiles::fail : BadFiles::skip);
  };
  if (const std::string folder = run.setting("val-data"); !folder.empty()) return all_of(open(folder));

  double fraction = 0;
  std::uint64_t seed = 0;
  if (!reads_as(run.setting("val-fraction"), fraction) || !reads_as(run.setting("seed"), seed))
    fail("its config.toml does not say what it kept back");
  const auto parts = keep_back(open(run.setting("data")), fraction, seed, run.setting("group") == "source");
  // The same settings divide another set of files in another way, so the run must vouch for the first part.
  const auto checkpoint = newest_whole(checkpoints_of(run.name)).file;
  if (!checkpoint) fail("holds no checkpoint, which would say what it was trained on");
  const auto state = checkpoint->metadata().find("captcha.checkpoint");
  const JudgedImages& trained = parts[0];
  const std::string samples =
      describe_samples(trained.size(), [&](std::size_t index) { return trained.name(index); });
  if (state == checkpoint->metadata().end() || state->second.find(samples + ",") == std::string::npos)
    fail("the images of " + run.setting("data") + " are no longer those that it was trained on");
  return parts[1];
}

}  // namespace captcha::app
