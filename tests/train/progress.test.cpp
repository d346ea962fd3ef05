// What is shown of a run: lines where there is no terminal; tests/captcha/manners.test.cpp has the terminal.
#include <captcha/train/progress.hpp>

#include "catch.hpp"

#include <cstdio>
#include <memory>
#include <string>

using namespace captcha;

namespace {

/// A stream that is no terminal, and what was written to it.
struct Paper {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), std::fclose};
  std::string text() const {
    std::rewind(file.get());
    std::string all;
    for (int letter; (letter = std::fgetc(file.get())) != EOF;) all += static_cast<char>(letter);
    return all;
  }
};

}  // namespace

TEST_CASE("a bar and a clock") {
  CHECK(ProgressLine::bar(0, 10) == "[>                   ]");
  CHECK(ProgressLine::bar(5, 10) == "[==========>         ]");
  CHECK(ProgressLine::bar(10, 10) == "[====================]");
  CHECK(ProgressLine::bar(11, 10) == "[====================]");
  CHECK(ProgressLine::bar(0, 0) == "[>                   ]");
  CHECK(ProgressLine::clock_text(0.4) == "0:00");
  CHECK(ProgressLine::clock_text(62) == "1:02");
  CHECK(ProgressLine::clock_text(3723) == "1:02:03");
}

TEST_CASE("without a terminal there are lines, never what moves a cursor") {
  const Paper paper;
  CHECK_FALSE(is_terminal(paper.file.get()));
  {
    ProgressLine line(paper.file.get());
    CHECK_FALSE(line.due());  // the first one after five seconds
    line.show("half");
    line.keep("whole");
    line.wipe();
  }
  CHECK(paper.text() == "half\nwhole\n");
}

TEST_CASE("the progress bar writes one line an epoch, and why a run ended early") {
  const Paper paper;
  ProgressBar bar(paper.file.get());
  TrainingState state;
  state.epochs = 3;
  state.steps_per_epoch = 10;
  bar.on_epoch_start(state);
  state.step = 5;
  bar.on_step(state);
  state.step = 10;
  state.epoch = 1;
  state.history.push_back({1,
                           10,
                           {{"train_loss", 0.5},
                            {"val_accuracy", 0.25},
                            {"learning_rate", 0.001},
                            {"images_per_second", 812.4},
                            {"seconds", 3.21}}});
  bar.on_epoch_end(state);
  CHECK(paper.text() ==
        "epoch 1/3  train_loss 0.5000  val_accuracy 25.00 %  rate 0.001  812 images/s  3.2 s\n");
  state.stopped_early = true;
  state.best_epoch = 1;
  bar.on_end(state);
  CHECK_THAT(paper.text(),
             Catch::EndsWith("stopped after epoch 1: no better one since epoch 1, whose weights are kept\n"));
}
