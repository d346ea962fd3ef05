// captcha export: a model in the form that another program wants.
#include <captcha/io/onnx.hpp>

#include "characters.hpp"
#include "commands.hpp"

#include <cstdio>
#include <memory>

namespace captcha::app {
namespace {

struct ExportArguments {
  std::filesystem::path model;
  std::filesystem::path onnx;
  bool fold = true;
  bool standardise = false;
};

void say_written(const std::filesystem::path& path) {
  std::printf("%s: %.1f MB\n", path.c_str(), static_cast<double>(std::filesystem::file_size(path)) / 1e6);
}

int export_model(const ExportArguments& a) {
  const Weights<Network> weights = load_model(a.model);
  if (!a.onnx.empty()) {
    save_onnx<character>(a.onnx, weights, character_info(), {.fold = a.fold, .standardise = a.standardise});
    say_written(a.onnx);
  }
  return 0;
}

}  // namespace

void add_export(Commands& commands) {
  const auto a = std::make_shared<ExportArguments>();
  CLI::App* c = commands.add("export", "Write a model in the form that another program wants",
                             [a](CLI::App&) { return export_model(*a); });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  c->add_option("--onnx", a->onnx, "Write an ONNX file, for ONNX Runtime and others")->type_name("FILE");
  c->add_flag("--fold,!--no-fold", a->fold, "Put batch norms into the convolutions in front of them")
      ->default_str("true");
  c->add_flag("--with-standardise", a->standardise,
              "Let the ONNX file take pixels as they are, 0 to 255 or 0 to 1, and standardise them itself");
  c->footer(
      "Examples:\n"
      "  captcha export --model runs/first/final.safetensors --onnx characters.onnx --with-standardise");
}

}  // namespace captcha::app
