// captcha export: a model in the form that another program wants.
#include <captcha/io/embedded.hpp>
#include <captcha/io/onnx.hpp>

#include "captchas.hpp"
#include "characters.hpp"
#include "commands.hpp"
#include "outputs.hpp"
#include "progress.hpp"

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace captcha::app {
namespace {

struct ExportArguments {
  std::filesystem::path model;
  std::filesystem::path onnx;
  std::filesystem::path header;
  std::filesystem::path safetensors;
  bool fold = true;
  bool standardise = false;
  bool plain = false;
  bool half = false;
  bool quiet = false;
};

/// Writes all forms that are wanted; `embedded` says how C++ spells the network.
template <Shape S, class Net>
void export_as(const ExportArguments& a, const Weights<Net>& weights, const ModelInfo& info,
               EmbeddedOptions embedded) {
  const Interruptible whole_files;
  const auto wrote = [&](const std::filesystem::path& path) {
    if (!a.quiet)
      std::printf("%s: %.4g MB\n", path.c_str(), static_cast<double>(std::filesystem::file_size(path)) / 1e6);
    Interruptible::stop_if_asked();
  };
  if (!a.onnx.empty()) {
    save_onnx<S>(a.onnx, weights, info, {.fold = a.fold, .standardise = a.standardise});
    wrote(a.onnx);
  }
  if (!a.header.empty()) {
    embedded.small = a.half;
    save_embedded<S>(a.header, weights, info, embedded);
    wrote(a.header);
    wrote(a.header.string() + ".bin");
  }
  if (!a.safetensors.empty()) {
    save_weights(a.safetensors, weights,
                 a.plain ? std::map<std::string, std::string>{{"format", "pt"}} : to_metadata<Net>(info),
                 {.hashed = !a.plain, .half = a.half});
    wrote(a.safetensors);
  }
}

/// SolverNetwork as a program spells it that has the library alone.
EmbeddedOptions solver_spelled() {
  using Solver = SolverResNet<captcha_shape, static_cast<int>(solution_length),
                              static_cast<int>(labels.size()), solver_width>;
  const std::string rows = std::to_string(Solver::map.height);
  return {.network = "captcha::ResNet<captcha::BasicBlock, captcha::ResNetOptions{.channels = 1, .width = " +
                     std::to_string(solver_width) +
                     "}>::ending_in<captcha::AvgPool2d<captcha::Pool{.kernel = {" + rows +
                     ", 1}, .stride = {" + rows +
                     ", 1}}>, captcha::Flatten, captcha::Named<\"fc\", captcha::Linear<" +
                     std::to_string(Solver::map.channels * Solver::map.width) + ", " +
                     std::to_string(solution_length * labels.size()) + ">>>",
          .headers = {"captcha/layers/flatten.hpp", "captcha/layers/pool.hpp", "captcha/models/resnet.hpp"}};
}

}  // namespace

void add_export(Commands& commands) {
  const auto a = std::make_shared<ExportArguments>();
  CLI::App* c =
      commands.add("export", "Write a model in the form that another program wants", [a](CLI::App&) {
        if (a->onnx.empty() && a->header.empty() && a->safetensors.empty())
          throw CLI::RequiredError("one of --onnx, --header and --safetensors");
        if (a->half && a->header.empty() && a->safetensors.empty())
          throw CLI::RequiresError("--half", "--header or --safetensors");
        const std::filesystem::path weights = a->header.empty() ? "" : a->header.string() + ".bin";
        require_apart({{"--model", a->model},
                       {"--onnx", a->onnx},
                       {"--header", a->header},
                       {"the weights of --header", weights},
                       {"--safetensors", a->safetensors}});
        if (architecture_of(a->model) == solver_architecture)
          export_as<captcha_shape>(*a, load_solver(a->model), solver_info(), solver_spelled());
        else
          export_as<character>(*a, load_model(a->model), character_info(),
                               {.network = "captcha::ResNet18<" + std::to_string(labels.size()) + ", 1>",
                                .headers = {"captcha/models/resnet.hpp"}});
        return 0;
      });
  c->add_option("--model", a->model, "Model file of a run")->required()->type_name("FILE");
  CLI::Option* const onnx =
      c->add_option("--onnx", a->onnx, "Write an ONNX file, for ONNX Runtime and others")->type_name("FILE");
  c->add_flag("--fold,!--no-fold", a->fold,
              "Put batch norms into the convolutions of the ONNX file, or leave them apart")
      ->default_str("true")
      ->needs(onnx);
  c->add_flag("--with-standardise", a->standardise,
              "Let the ONNX file take pixels as they are, 0 to 255 or 0 to 1, and standardise them itself")
      ->needs(onnx);
  c->add_option("--header", a->header, "Write a C++ header and FILE.bin, which it puts into a program")
      ->type_name("FILE");
  CLI::Option* const safetensors = c->add_option("--safetensors", a->safetensors,
                                                 "Write the weights alone, without the state of a training")
                                       ->type_name("FILE");
  c->add_flag("--plain", a->plain, "Leave our metadata and hashes out of the safetensors file")
      ->needs(safetensors);
  c->add_flag(
      "--half", a->half,
      "Weights of header and safetensors file in half precision; the header's take a third of the room");
  c->add_flag("--quiet", a->quiet, "Print nothing but errors");
  c->footer(
      "Examples:\n"
      "  captcha export --model runs/first/final.safetensors --onnx characters.onnx --with-standardise\n"
      "  captcha export --model runs/first/final.safetensors --header weights.hpp\n"
      "  captcha export --model runs/first/final.safetensors --safetensors bare.safetensors --plain");
}

}  // namespace captcha::app
