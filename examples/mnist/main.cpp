// The same trainer on another task: MNIST, or any other idx files.
//
//   mnist DIR [--epochs N] [--threads N] [--run DIR]
//
// DIR holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
// t10k-labels-idx1-ubyte, plain or with .gz. (LeCun, Cortes, Burges 1998)
#include <captcha/captcha.hpp>
#include <captcha/data/idx_dataset.hpp>

#include "../captcha/option_checks.hpp"
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

using namespace captcha;

namespace {

std::filesystem::path file_of(const std::filesystem::path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz"})
    if (std::filesystem::exists(folder / (name + ending))) return folder / (name + ending);
  throw Error((folder / name).string() + ": neither this file nor its .gz is there");
}

IdxDataset<> part(const std::filesystem::path& folder, const std::string& name) {
  return {file_of(folder, name + "-images-idx3-ubyte"), file_of(folder, name + "-labels-idx1-ubyte")};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App command("Trains a narrow ResNet-18 on handwritten digits.", "mnist");
  command.option_defaults()->always_capture_default();
  std::filesystem::path folder, run;
  std::size_t epochs = 4;
  int threads = 0;
  command.add_option("DIR", folder, "Folder with the four idx files")->required();
  command.add_option("--epochs", epochs, "Times through the 60 000 images")->check(app::whole(1));
  command.add_option("--threads", threads, "Threads that compute; 0: all")->check(app::whole(0, 1024));
  command.add_option("--run", run, "Folder for the model and the metrics");
  try {
    command.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return command.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "mnist: %s; see mnist --help\n", error.what());
    return 2;
  }
  try {
    using Net = ResNet18<10, 1, Stem::imagenet, 32>;
    const auto images = part(folder, "train"), unseen = part(folder, "t10k");
    const auto train =
        map(images, Augment{Affine{.rotate = 10, .shift = 0.08f, .scale = 0.1f, .shear = 5, .fill = 0.0f},
                            Standardise{}});
    const auto test = map(unseen, Standardise{});
    Weights<Net> weights(1);
    const FitResult result = fit(weights, train, test,
                                 {.epochs = epochs,
                                  .batch_size = 64,
                                  .optimizer = {.learning_rate = 2e-3f, .weight_decay = 0.02f},
                                  .threads = threads,
                                  .seed = 1,
                                  .run = run},
                                 ProgressBar{});
    std::printf("%.2f %% of the %zu test digits right\n", 100 * result.history.back()["val_accuracy"],
                test.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mnist: %s\n", error.what());
    return 1;
  }
}
