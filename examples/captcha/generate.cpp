// captcha generate: draws characters like the data set's.
#include "generate.hpp"

#include "commands.hpp"
#include "option_checks.hpp"

#include <cstdio>
#include <memory>

namespace captcha::app {

void add_generate(Commands& commands) {
  const auto a = std::make_shared<GenerateOptions>();
  CLI::App* c = commands.add("generate", "Draw characters like the data set's", [a](CLI::App&) {
    generate(*a);
    std::printf("%zu %s in %s\n", a->count, a->captchas ? "CAPTCHAs" : "characters", a->out.c_str());
    return 0;
  });
  c->add_option("--out", a->out, "Folder for the images")->required();
  c->add_option("--count", a->count, "How many images")->check(whole(1));
  c->add_option("--seed", a->seed, "Of everything that is drawn by chance")->check(whole(0));
  c->add_option("--first", a->first, "Number of the first image, to add more of the same seed")
      ->check(whole(0));
  c->add_flag("--captchas", a->captchas, "Whole CAPTCHAs, 200 x 50, called <solution>_<number>.png");
  c->add_flag("--add", a->add, "Write into a folder that holds files");
}

}  // namespace captcha::app
