// captcha prepare: cuts labelled CAPTCHAs into characters.
#include "prepare.hpp"

#include <captcha/data/jpeg.hpp>

#include "commands.hpp"
#include "option_checks.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace captcha::app {

void add_prepare(Commands& commands) {
  const auto a = std::make_shared<PrepareOptions>();
  CLI::App* c = commands.add("prepare", "Cut labelled CAPTCHAs into characters", [a](CLI::App&) {
    const PrepareReport report = prepare(*a);
    std::printf("%zu characters of %zu CAPTCHAs in %s\n", report.characters, report.captchas, a->out.c_str());
    for (const std::string& line : report.skipped) std::fprintf(stderr, "skipped: %s\n", line.c_str());
    return 0;
  });
  c->add_option("--captchas", a->captchas, "Folder of 200 x 50 PNG images named by their solution")
      ->required();
  c->add_option("--out", a->out, "Folder for the characters")->required();
  c->add_option("--variants", a->variants, "Pictures of each character, with the box moved a little")
      ->check(whole(1));
  c->add_option("--seed", a->seed, "Of those moves")->check(whole(0));
  c->add_flag("--add", a->add, "Write into a folder that holds files");
  c->add_flag_callback(
      "--trust-jpeg", [a] { a->read_jpeg = read_jpeg; },
      "Read JPEG files too; only for files you trust: the decoder has open security holes");
}

}  // namespace captcha::app
