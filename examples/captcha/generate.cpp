// captcha generate: draws characters like the data set's.
#include "generate.hpp"

#include "commands.hpp"
#include "option_checks.hpp"
#include "progress.hpp"

#include <cstddef>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>

namespace captcha::app {
namespace {

struct GenerateArguments {
  GenerateOptions options;
  bool quiet = false;
};

}  // namespace

void add_generate(Commands& commands) {
  const auto a = std::make_shared<GenerateArguments>();
  CLI::App* c = commands.add("generate", "Draw characters like the data set's", [a](CLI::App&) {
    if (a->options.first > std::numeric_limits<std::size_t>::max() - a->options.count)
      throw CLI::ValidationError("--first", "with --count there are no such large numbers");
    {
      Progress progress("drawing", a->quiet);
      generate(a->options, std::ref(progress));
    }
    if (!a->quiet)
      std::printf("%zu %s in %s\n", a->options.count, a->options.captchas ? "CAPTCHAs" : "characters",
                  a->options.out.c_str());
    return 0;
  });
  c->add_option("--out", a->options.out, "Folder for the images")->required()->type_name("DIR");
  c->add_option("--count", a->options.count, "How many images")->check(whole(1));
  c->add_option("--seed", a->options.seed, "Of everything that is drawn by chance")->check(whole(0));
  c->add_option("--first", a->options.first, "Number of the first image, to add more of the same seed")
      ->check(whole(0));
  c->add_flag("--captchas", a->options.captchas, "Whole CAPTCHAs, 200 x 50, called <solution>_<number>.png");
  c->add_flag("--add", a->options.add, "Write into a folder that holds files");
  c->add_flag("--quiet", a->quiet, "Print nothing but errors");
  c->footer(
      "Examples:\n"
      "  captcha generate --out characters --count 8000 --seed 1\n"
      "  captcha generate --out characters --add --first 8000 --count 2000   # more of the same\n"
      "  captcha generate --captchas --out captchas --count 1000");
}

}  // namespace captcha::app
