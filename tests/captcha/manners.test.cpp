// Manners of the whole program: what every command says of itself, progress, colours, Ctrl-C, completion.
#include <captcha/data/png.hpp>
#include <captcha/io/weights_file.hpp>

#include "catch.hpp"
#include "characters.hpp"
#include "desk.hpp"
#include "pseudo_terminal.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The lines of one section of a --help, "Options:", without those that go on from the line before.
std::vector<std::string> section(const std::string& help, const std::string& title) {
  std::vector<std::string> entries;
  bool inside = false;
  for (const std::string& line : lines_of(help)) {
    if (!line.starts_with(" ")) inside = line == title;
    if (!inside || line.size() < 3 || line == title) continue;
    if (line[2] == ' ')
      entries.back() += "  " + line.substr(2);
    else
      entries.push_back(line.substr(2));
  }
  return entries;
}

/// Every command with its --help: "", "generate", "data", "data check", …
std::vector<std::pair<std::string, std::string>> all_helps(const Desk& desk, const std::string& path = "") {
  std::vector<std::pair<std::string, std::string>> helps;
  const Outcome help = desk.run(path + " --help");
  REQUIRE(help.code == 0);
  helps.emplace_back(path, help.out);
  for (const std::string& entry : section(help.out, "Subcommands:")) {
    const auto below = all_helps(desk, (path.empty() ? "" : path + " ") + words_of(entry).front());
    helps.insert(helps.end(), below.begin(), below.end());
  }
  return helps;
}

/// What is left after the name and the type of an entry: a text behind two spaces.
bool is_described(const std::string& entry) {
  const std::size_t gap = entry.find("  ");
  return (gap != std::string::npos && entry.find_first_not_of(' ', gap) != std::string::npos) ||
         entry.find("  ", 26) != std::string::npos || (entry.size() > 28 && entry[27] == ' ');
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("every command describes itself and its options, and shows an example that names it") {
  const Desk desk;
  const auto helps = all_helps(desk);
  CHECK(helps.size() >= 12);
  for (const auto& [path, help] : helps) {
    INFO("captcha " << path << " --help\n" << help);
    const auto lines = lines_of(help);
    CHECK(lines.front().size() > 10);
    CHECK(lines.front().find("captcha ") != 0);
    const bool shows = std::any_of(lines.begin(), lines.end(), [&path = path](const std::string& line) {
      return line.starts_with("  ") && line.find("captcha " + path) != std::string::npos;
    });
    CHECK(shows);
    CHECK(help.find("=[]") == help.npos);  // CLI11's words for an empty list
    for (const char* title : {"Options:", "Positionals:", "Subcommands:"})
      for (const std::string& entry : section(help, title)) {
        INFO(entry);
        CHECK(is_described(entry));
      }
  }
}

TEST_CASE("options that mean the same are called the same in all commands") {
  const Desk desk;
  const std::set<std::string> names{"--model", "--data",    "--out",   "--json",
                                    "--quiet", "--threads", "--resize"};
  for (const auto& [path, help] : all_helps(desk))
    for (const std::string& entry : section(help, "Options:")) {
      const std::string name = words_of(entry).front();
      INFO("captcha " << path << ": " << entry);
      for (const char* other :
           {"--models", "--folder", "--output", "--silent", "--verbose", "--jobs", "--input"})
        CHECK(name != other);
      if (!names.contains(name)) continue;
      const bool is_flag = name == "--json" || name == "--quiet" || name == "--resize";
      const std::string next = words_of(entry).at(1);
      const bool takes_value = next.size() > 2 && std::isupper(next[0]) && std::isupper(next[1]);  // FILE
      CHECK(takes_value == !is_flag);
    }
}

TEST_CASE("every command that takes time can be told to be silent") {
  const Desk desk;
  const std::set<std::string> at_once{"summary", "completion", "completion bash", "completion zsh",
                                      "completion fish"};
  for (const auto& [path, help] : all_helps(desk)) {
    if (!section(help, "Subcommands:").empty() || at_once.contains(path)) continue;
    const auto options = section(help, "Options:");
    INFO(path);
    CHECK(std::any_of(options.begin(), options.end(),
                      [](const std::string& entry) { return words_of(entry).front() == "--quiet"; }));
  }
}

TEST_CASE("help is a command too") {
  const Desk desk;
  for (const std::string command : {"", "train", "data check"}) {
    const Outcome asked = desk.run("help " + command), told = desk.run(command + " --help");
    CHECK(asked.code == 0);
    CHECK(asked.out == told.out);
    CHECK(asked.out.size() > 200);
  }
}

TEST_CASE("without a command the program says which there are, and that this is wrong usage") {
  const Desk desk;
  for (const std::string path : {"", "data"}) {
    const Outcome bare = desk.run(path);
    CHECK(bare.code == 2);
    CHECK(bare.out.empty());
    CHECK_THAT(bare.err, Catch::StartsWith("usage: captcha" + (path.empty() ? "" : " " + path) + " COMMAND"));
    CHECK_THAT(bare.err, Catch::Contains(path.empty() ? "  evaluate" : "  check"));
    CHECK(lines_of(bare.err).size() < 25);
  }
}

TEST_CASE("on a terminal a bar shows rate and time left, fits the width, and is wiped away at the end") {
  const Desk desk;
  const std::string generate =
      std::string(CAPTCHA_PROGRAM) + " generate --count 4000 --out " + (desk / "wide");
  const TerminalOutcome wide = run_on_terminal(generate, 100);
  INFO(wide.screen);
  CHECK(wide.code == 0);
  CHECK_THAT(wide.screen, Catch::Contains("\rdrawing [") && Catch::Contains("/4000  ") &&
                              Catch::Contains("/s  0:0") && Catch::Contains(" left\033[K"));
  CHECK_THAT(wide.screen, Catch::Contains("\r\033[K4000 characters in "));

  const TerminalOutcome narrow = run_on_terminal(
      std::string(CAPTCHA_PROGRAM) + " generate --quiet --count 20 --out " + (desk / "quiet"), 30);
  CHECK(narrow.screen.empty());
  const TerminalOutcome cut = run_on_terminal(
      std::string(CAPTCHA_PROGRAM) + " data check " + (desk / "wide") + " 2>&1 > /dev/null", 30);
  for (std::size_t at = cut.screen.find('\r'); at != std::string::npos; at = cut.screen.find('\r', at + 1))
    CHECK(cut.screen.find("\033[K", at) - at <= 30);
  CHECK(cut.code == 0);
}

TEST_CASE("training shows a bar on a terminal, and lines of its epochs elsewhere") {
  const Desk desk;
  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 400").code == 0);
  const std::string train =
      "train --threads 1 --epochs 1 --val-fraction 0.1 --data " + (desk / "c") + " --out ";
  const TerminalOutcome shown =
      run_on_terminal(std::string(CAPTCHA_PROGRAM) + " " + train + (desk / "shown"), 120);
  INFO(shown.screen);
  CHECK(shown.code == 0);
  CHECK_THAT(shown.screen, Catch::Contains("\repoch 1/1 [") && Catch::Contains("  loss ") &&
                               Catch::Contains(" images/s  0:0") && Catch::Contains("\r\033[Kepoch 1/1  "));
  const Outcome piped = desk.run(train + (desk / "piped"));
  CHECK(piped.err.find_first_of("\r\033") == std::string::npos);
  CHECK_THAT(piped.err, Catch::Contains("epoch 1/1  "));
  CHECK(desk.run("train --quiet --resume --out " + (desk / "piped")).err.empty());
}

TEST_CASE("Ctrl-C ends a command with 130 and leaves neither files nor a half-written line") {
  const Desk desk;
  const TerminalOutcome stopped =
      run_on_terminal(std::string(CAPTCHA_PROGRAM) + " generate --count 1000000 --out " + (desk / "g"), 80,
                      "drawing [", SIGINT);
  INFO(stopped.screen);
  CHECK(stopped.code == 130);
  CHECK_THAT(stopped.screen, Catch::EndsWith("\r\033[Kcaptcha: stopped\r\n"));
  CHECK(fs::is_empty(desk.path));

  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 4000").code == 0);
  const TerminalOutcome training = run_on_terminal(
      std::string(CAPTCHA_PROGRAM) + " train --threads 1 --data " + (desk / "c") + " --out " + (desk / "run"),
      100, "epoch 1/", SIGINT);
  INFO(training.screen);
  CHECK(training.code == 130);
  CHECK_THAT(training.screen, Catch::Contains("\r\033[Kstopped after step ") && Catch::EndsWith("/run\r\n"));
  const TerminalOutcome looking =
      run_on_terminal(std::string(CAPTCHA_PROGRAM) + " data check " + (desk / "c") + " > /dev/null", 80,
                      "looking [", SIGTERM);
  INFO(looking.screen);
  if (looking.screen.empty())  // done before there was anything to show
    CHECK(looking.code == 0);
  else
    CHECK_THAT(looking.screen, Catch::Contains("\r\033[K"));
  CHECK((looking.code == 143 || looking.code == 0));  // where it is done before the signal comes
}

TEST_CASE("Ctrl-C while a report is drawn, or while standard input is awaited") {
  const Desk desk;
  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 400").code == 0);
  fs::create_directories(desk / "run");
  const std::string model = desk / "run/final.safetensors";
  captcha::save_weights(model, captcha::Weights<captcha::app::Network>(1),
                        captcha::to_metadata<captcha::app::Network>(captcha::app::character_info()));
  const std::string program = std::string(CAPTCHA_PROGRAM) + " ";
  const TerminalOutcome drawing = run_on_terminal(
      program + "visualize " + (desk / "run") + " --data " + (desk / "c") + " --out " + (desk / "report"), 80,
      "looking [", SIGINT);
  INFO(drawing.screen);
  CHECK(drawing.code == 130);
  CHECK_THAT(drawing.screen, Catch::EndsWith("\r\033[Kcaptcha: stopped\r\n"));
  CHECK_FALSE(fs::exists(desk / "report"));
  CHECK_FALSE(fs::exists(desk / "report.part"));

  const std::string file = desk / "c/2_0.png";
  const TerminalOutcome waiting =
      run_on_terminal(program + "predict --model " + model + " " + file + " -", 80, "2_0.png", SIGINT);
  INFO(waiting.screen);
  CHECK(waiting.code == 130);
  CHECK_THAT(waiting.screen, Catch::EndsWith("captcha: stopped\r\n"));

  // Readings for a program leave standard error to the progress, unless it shall be quiet.
  const std::string many = "predict --json --model " + model + " " + (desk / "c") + "/*.png > /dev/null";
  CHECK_THAT(run_on_terminal(program + many, 80).screen, Catch::Contains("\rreading ["));
  CHECK(run_on_terminal(program + many + " --quiet", 80).screen.empty());
}

TEST_CASE("colours are for terminals, and not for those who refuse them") {
  const Desk desk;
  REQUIRE(desk.run("generate --quiet --out " + (desk / "c") + " --count 60").code == 0);
  REQUIRE(
      desk.run("train --quiet --epochs 1 --no-augment --data " + (desk / "c") + " --out " + (desk / "run"))
          .code == 0);
  const std::string predict =
      "predict --draw --model " + (desk / "run/final.safetensors") + " " + (desk / "c/2_0.png");
  const std::string program = std::string(CAPTCHA_PROGRAM) + " ";
  CHECK_THAT(run_on_terminal(program + predict, 80).screen, Catch::Contains("\033[38;2;"));
  for (const std::string refused : {"NO_COLOR=1", "TERM=dumb"}) {
    const TerminalOutcome plain = run_on_terminal("env " + refused + " " + program + predict, 80);
    INFO(refused);
    CHECK(plain.code == 0);
    CHECK(plain.screen.find('\033') == std::string::npos);
  }
  CHECK(desk.run(predict).out.find('\033') == std::string::npos);
  // Standard output is judged for itself: standard error being a terminal does not colour it.
  CHECK(run_on_terminal(program + predict + " > " + (desk / "text"), 80).code == 0);
  CHECK(desk.text("text").find('\033') == std::string::npos);
}

TEST_CASE("a mistyped word is named at every level") {
  const Desk desk;
  check_refused(desk.run("--verson"), 2, "captcha: no option --verson, did you mean --version?");
  check_refused(desk.run("data --hepl check x"), 2, "captcha data: no option --hepl, did you mean --help?");
  check_refused(desk.run("data check x --jsn"), 2,
                "captcha data check: no option --jsn, did you mean --json?");
  for (const auto& [path, help] : all_helps(desk)) {
    if (!section(help, "Subcommands:").empty()) continue;
    for (const std::string& entry : section(help, "Options:")) {
      std::string name = words_of(entry).front();
      name = name.substr(0, name.find(','));
      if (!name.starts_with("--") || name.size() < 6) continue;
      const std::string mistyped = name + "z";
      INFO(path << " " << mistyped);
      const Outcome outcome = desk.run(path + " " + mistyped);
      CHECK(outcome.code == 2);
      CHECK_THAT(outcome.err, Catch::Contains("no option " + mistyped + ", did you mean " + name + "?"));
    }
  }
}

TEST_CASE("bash completes commands, options, their values and files") {
  const Desk desk;
  REQUIRE(desk.run("completion bash").code == 0);
  desk.write("script", desk.run("completion bash").out);
  desk.write("model.safetensors", "");
  fs::create_directories(desk / "models");
  const auto complete = [&](const std::string& words) {
    desk.write("try", "cd '" + desk.path.string() + "'\nsource ./script\nCOMP_WORDS=(captcha " + words +
                          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_captcha\necho \"${COMPREPLY[@]}\"\n");
    const std::string command = "bash --norc '" + (desk / "try") + "' > '" + (desk / "out") + "' 2>&1";
    REQUIRE(std::system(command.c_str()) == 0);
    return words_of(desk.text("out"));
  };
  for (const auto& [path, help] : all_helps(desk)) {
    INFO(path);
    for (const std::string& entry : section(help, "Subcommands:"))
      CHECK(has(complete(path + " ''"), words_of(entry).front()));
    const auto options = complete(path + " --");
    for (const std::string& entry : section(help, "Options:")) {
      const std::string names = words_of(entry).front();
      CHECK(has(options, names.substr(std::min(names.find("--"), names.size()),
                                      names.find_first_of(",{", 3) - names.find("--"))));
    }
  }
  CHECK(complete("gen") == std::vector<std::string>{"generate"});
  CHECK(complete("train --group ''") == std::vector<std::string>{"source", "none"});
  CHECK(complete("train --group = n") == std::vector<std::string>{"none"});
  CHECK(complete("train --batch ''").empty());
  CHECK(complete("evaluate --model mod") == std::vector<std::string>{"model.safetensors", "models"});
  CHECK(complete("evaluate --data mod") == std::vector<std::string>{"models"});
  CHECK(complete("predict --json mod") == std::vector<std::string>{"model.safetensors", "models"});
  CHECK(complete("completion z") == std::vector<std::string>{"zsh"});
}

TEST_CASE("fish and zsh complete the same, where they are installed") {
  const Desk desk;
  if (std::system("fish --version > /dev/null 2>&1") != 0) {
    WARN("no fish: its script is not tried");
  } else {
    desk.write("script", desk.run("completion fish").out);
    const auto complete = [&](const std::string& line) {
      const std::string command = "cd '" + desk.path.string() + "' && HOME='" + desk.path.string() +
                                  "' fish --no-config -c 'source script; complete -C \"captcha " + line +
                                  "\"' > out 2> err";
      REQUIRE(std::system(command.c_str()) == 0);
      CHECK(desk.text("err").empty());
      std::vector<std::string> words;
      for (const std::string& found : lines_of(desk.text("out")))
        words.push_back(found.substr(0, found.find('\t')));
      std::sort(words.begin(), words.end());
      return words;
    };
    CHECK(complete("gen") == std::vector<std::string>{"generate"});
    CHECK(complete("data ") == std::vector<std::string>{"check"});
    CHECK(complete("train --group ") == std::vector<std::string>{"none", "source"});
    CHECK(complete("train --gro") == std::vector<std::string>{"--group"});
    CHECK(has(complete("evaluate --model scr"), "script"));
    CHECK(has(complete("predict --json scr"), "script"));
    CHECK_FALSE(has(complete("evaluate --data scr"), "script"));
  }
  if (std::system("zsh --version > /dev/null 2>&1") != 0) {
    WARN("no zsh: its script is not tried");
    return;
  }
  // An interactive zsh on a terminal of its own, to which Tab and a key that shows the line are sent.
  desk.write("script", desk.run("completion zsh").out);
  const auto complete = [&](const std::string& line) {
    desk.write("try", R"(zmodload zsh/zpty
zpty -b z 'TERM=dumb zsh -f -i'
send() { zpty -w z "$1"; sleep 0.1; }
zpty -w z "cd ')" + desk.path.string() +
                          R"('; autoload -Uz compinit; compinit -u -D; source ./script; PS1=; echo rea''dy"
until [[ $text == *ready* ]]; do zpty -r z text '*ready*' || exit 1; done
show() { print -r -- "LINE<$BUFFER>" > )" +
                          (desk / "line") + R"( }
zpty -w z 'show() { print -r -- "$BUFFER" > ')" +
                          (desk / "line") + R"('; }; zle -N show; bindkey "^X" show; echo do''ne'
until [[ $text == *done* ]]; do zpty -r z text '*done*' || exit 1; done
zpty -n -w z ')" + line + R"('$'\t'
sleep 0.7
zpty -n -w z $'\x18'
repeat 50; do [[ -s )" + (desk / "line") +
                          R"( ]] && break; sleep 0.1; done
zpty -d z
)");
    fs::remove(desk / "line");
    const std::string command = "timeout 20 zsh -f '" + (desk / "try") + "' > '" + (desk / "out") + "' 2>&1";
    const int status = std::system(command.c_str());
    INFO(status << desk.text("out"));
    std::string completed = desk.text("line");
    while (completed.ends_with("\n") || completed.ends_with(" ")) completed.pop_back();
    return completed;
  };
  CHECK(complete("captcha gen") == "captcha generate");
  CHECK(complete("captcha data ch") == "captcha data check");
  CHECK(complete("captcha train --group so") == "captcha train --group source");
  CHECK(complete("captcha train --group=no") == "captcha train --group=none");
  CHECK(complete("captcha train --learn") == "captcha train --learning-rate");
  CHECK(complete("captcha evaluate --model scr") == "captcha evaluate --model script");
}

TEST_CASE("standard output that cannot be written is an error, and streams that are closed are no files") {
  const Desk desk;
  const auto shell = [&](const std::string& arguments) {
    return std::system((std::string(CAPTCHA_PROGRAM) + " " + arguments).c_str());
  };
  const std::string err = " 2> '" + (desk / "said") + "'";
  for (const char* command : {"--help", "summary", "completion bash"}) {
    INFO(command);
    CHECK(WEXITSTATUS(shell(std::string(command) + " > /dev/full" + err)) == 1);
    CHECK_THAT(desk.text("said"), Catch::Contains("standard output cannot be written: No space left"));
  }
  CHECK(WEXITSTATUS(shell("summary > /dev/null" + err)) == 0);
  REQUIRE(desk.run("generate --out " + (desk / "c") + " --count 40").code == 0);
  CHECK(shell("train --epochs 1 --tensorboard --data '" + (desk / "c") + "' --out '" + (desk / "run") +
              "' <&- >&- 2>&-") == 0);
  for (const auto& entry : std::filesystem::directory_iterator(desk / "run"))
    CHECK_THAT(desk.text("run/" + entry.path().filename().string()), !Catch::Contains("epoch 1/1"));
}

TEST_CASE("names of files cannot break the line or steer the terminal") {
  CHECK(captcha::app::printable("a\x1b[31m\nü\x7f.png") == "a?[31m?ü?.png");
  const Desk desk;
  const Outcome told = desk.run("data check $'" + (desk / "no\\nwhere") + "'");
  CHECK(told.code == 1);
  CHECK(std::count(told.err.begin(), told.err.end(), '\n') == 1);
}

TEST_CASE("the command to go on with a run is one that a shell understands") {
  CHECK(captcha::app::as_shell_word("runs/first-1.x") == "runs/first-1.x");
  CHECK(captcha::app::as_shell_word("runs/sp ace") == "'runs/sp ace'");
  CHECK(captcha::app::as_shell_word("it's") == "'it'\\''s'");
  CHECK(captcha::app::as_shell_word("") == "''");
}
