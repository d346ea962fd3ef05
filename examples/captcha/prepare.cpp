// captcha prepare: cuts labelled CAPTCHAs into characters.
#include "prepare.hpp"

#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

namespace captcha::app {
namespace {

struct PrepareArguments {
  PrepareOptions options;
  bool quiet = false;
};

}  // namespace

void add_prepare(Commands& commands) {
  const auto a = std::make_shared<PrepareArguments>();
  CLI::App* c = commands.add("prepare", "Cut labelled CAPTCHAs into characters", [a](CLI::App&) {
    const PrepareReport report = [&] {
      Progress progress("cutting", a->quiet);
      return prepare(a->options, std::ref(progress));
    }();
    if (!a->quiet)
      std::printf("%zu characters of %zu CAPTCHAs in %s\n", report.characters, report.captchas,
                  a->options.out.c_str());
    for (const std::string& line : report.skipped) std::fprintf(stderr, "skipped: %s\n", line.c_str());
    return 0;
  });
  c->add_option("--captchas", a->options.captchas, "Folder of 200 x 50 PNG images named by their solution")
      ->required()
      ->type_name("DIR");
  c->add_option("--out", a->options.out, "Folder for the characters")->required()->type_name("DIR");
  c->add_option("--variants", a->options.variants, "Pictures of each character, with the box moved a little")
      ->check(whole(1));
  c->add_option("--seed", a->options.seed, "Of those moves")->check(whole(0));
  c->add_flag("--add", a->options.add, "Write into a folder that holds files");
  c->add_flag("--trust-jpeg", a->options.trust_jpeg,
              "Read JPEG files too; only for files you trust: the decoder has open security holes");
  c->add_flag("--quiet", a->quiet, "Print nothing but errors and what was skipped");
  c->footer(
      "Examples:\n"
      "  captcha prepare --captchas captchas --out characters\n"
      "  captcha prepare --captchas captchas --out characters --variants 20 --seed 3");
}

}  // namespace captcha::app
