// captcha solve: the text of whole CAPTCHAs.
#include <captcha/train/fit_options.hpp>

#include "captcha_reader.hpp"
#include "commands.hpp"
#include "option_checks.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "standard_input.hpp"
#include "terminal.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace captcha::app {
namespace {

struct SolveArguments {
  std::filesystem::path model;
  std::vector<std::filesystem::path> files;
  bool json = false;
  CaptchaFiles how{};
  bool quiet = false;
  int threads = 0;
};

/// A file and what became of it.
struct Solved {
  std::string file;
  std::string error{};
  Reading reading{};
};

/// The files that were given, and for each folder the images in it; folders in which there are none too.
std::vector<Solved> files_of(const std::vector<std::filesystem::path>& given) {
  std::vector<Solved> files;
  for (const auto& path : given) try {
      if (path == "-" || !is_folder(path)) {
        files.push_back({path.string()});
        continue;
      }
      const std::vector<std::string> names = list_images(path, false);
      if (names.empty()) throw Error(path.string() + ": no images in this folder, expected CAPTCHAs");
      for (const std::string& name : names) files.push_back({(path / name).string()});
    } catch (const Error& error) {
      files.push_back({path.string(), error.what()});
    }
  return files;
}

/// Reads some files, those that can be read as one batch.
void solve(const CaptchaReader& solver, std::span<Solved> files, const CaptchaFiles& how) {
  std::vector<Image> images;
  for (Solved& each : files) try {
      if (!each.error.empty()) continue;
      images.push_back(each.file == "-" ? decode_captcha(standard_input(), "standard input", how)
                                        : decode_captcha(read_image_file(each.file), each.file, how));
    } catch (const Error& error) {
      each.error = error.what();
    }
  const std::vector<Reading> readings = solver(images);
  auto next = readings.begin();
  for (Solved& each : files)
    if (each.error.empty()) each.reading = *next++;
}

int solve(const SolveArguments& arguments) {
  const CaptchaReader solver =
      captcha_reader(arguments.model, arguments.threads > 0 ? arguments.threads : all_threads());
  std::vector<Solved> files = files_of(arguments.files);
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  bool all_read = true;
  // On a terminal the readings themselves show how far it is.
  Progress progress("reading", arguments.quiet || (!arguments.json && is_terminal(stdout)));
  for (std::size_t first = 0; first < files.size(); first += Solver::batch) {
    progress(first, files.size());
    const auto some = std::span(files).subspan(first, std::min(Solver::batch, files.size() - first));
    solve(solver, some, arguments.how);
    for (const Solved& solved : some) {
      if (!solved.error.empty()) {
        all_read = false;
        print_error(solved.error);
        if (arguments.json) report.push_back({{"file", solved.file}, {"error", solved.error}});
      } else if (arguments.json) {
        report.push_back({{"file", solved.file},
                          {"text", solved.reading.text},
                          {"confidence", solved.reading.confidence}});
      } else {
        std::printf("%s  %5.1f %%  %s\n", solved.reading.text.c_str(), 100 * solved.reading.confidence,
                    printable(solved.file).c_str());
      }
    }
  }
  progress(files.size(), files.size());
  if (arguments.json) print_report(report);
  return all_read ? 0 : exit_data;
}

}  // namespace

void add_solve(Commands& commands) {
  const auto a = std::make_shared<SolveArguments>();
  CLI::App* c = commands.add("solve", "Read whole CAPTCHAs", [a](CLI::App&) { return solve(*a); });
  c->add_option("--model", a->model, "Model file of a run of train-solver, or of train (slower)")
      ->required()
      ->type_name("FILE");
  c->add_option("FILE", a->files, "PNG images, folders of them, or - for one on standard input")
      ->required()
      ->type_name("FILE");
  c->add_option("--threads", a->threads, "Threads that compute; 0: all")->check(whole(0, 1024));
  c->add_flag("--resize", a->how.resize, "Accept images of other sizes than 200 x 50");
  c->add_flag("--trust-jpeg", a->how.trust_jpeg,
              "Read JPEG files too; only for files you trust: the decoder has open security holes");
  c->add_flag("--json", a->json, "Print JSON");
  c->add_flag("--quiet", a->quiet, "Show no progress");
  c->footer(
      "Exit code 1 says that a file could not be read; the others are answered all the same.\n\n"
      "Examples:\n"
      "  captcha solve --model runs/solver/final.safetensors 2b827.png\n"
      "  captcha solve --model runs/solver/final.safetensors captchas --json\n"
      "  curl -s https://example.org/captcha.png | captcha solve --model runs/solver/final.safetensors -");
}

}  // namespace captcha::app
