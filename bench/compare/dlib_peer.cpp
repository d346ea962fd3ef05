// ResNet-18 in dlib, for bench/compare/run --dlib: the same layers on the same images as ours.cpp. Its
// first weights are its own, so only its speed is compared.
#include "common.hpp"
#include <CLI/CLI.hpp>
#include <dlib/dnn.h>
#include <dlib/revision.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

namespace {

template <long Out, long Kernel, int Stride, class Below>
using Conv = dlib::add_layer<dlib::con_<Out, Kernel, Kernel, Stride, Stride, static_cast<int>(Kernel) / 2,
                                        static_cast<int>(Kernel) / 2>,
                             Below>;

// `Norm` is dlib::bn_con in training, dlib::affine in prediction.
template <long Out, int Stride, template <class> class Norm, class Below>
using Body = Norm<Conv<Out, 3, 1, dlib::relu<Norm<Conv<Out, 3, Stride, Below>>>>>;
template <long Out, template <class> class Norm, class Below>
using Same = dlib::relu<dlib::add_prev1<Body<Out, 1, Norm, dlib::tag1<Below>>>>;
template <long Out, template <class> class Norm, class Below>
using Halved = dlib::relu<
    dlib::add_prev2<Norm<Conv<Out, 1, 2, dlib::skip1<dlib::tag2<Body<Out, 2, Norm, dlib::tag1<Below>>>>>>>>;
template <template <class> class Norm, class Below>
using Stem = dlib::add_layer<dlib::max_pool_<3, 3, 2, 2, 1, 1>, dlib::relu<Norm<Conv<64, 7, 2, Below>>>>;
template <template <class> class Norm>
using Network = dlib::loss_multiclass_log<dlib::fc<
    20, dlib::avg_pool_everything<Same<
            512, Norm,
            Halved<512, Norm,
                   Same<256, Norm,
                        Halved<256, Norm,
                               Same<128, Norm,
                                    Halved<128, Norm,
                                           Same<64, Norm,
                                                Same<64, Norm,
                                                     Stem<Norm, dlib::input<dlib::matrix<float>>>>>>>>>>>>>>;

using Images = std::vector<dlib::matrix<float>>;

Images images(int batch) {
  Images made(static_cast<std::size_t>(batch), dlib::matrix<float>(52, 32));
  std::size_t index = 0;
  for (auto& image : made)
    for (float& value : image) value = image_value(index++);
  return made;
}

double train(int batch, double seconds) {
  Network<dlib::bn_con> network;
  const Images inputs = images(batch);
  std::vector<unsigned long> targets;
  for (std::size_t i = 0; i < inputs.size(); ++i) targets.push_back(i % 20);
  std::vector<dlib::sgd> solvers(network.num_computational_layers, dlib::sgd(5e-4f, 0.9f));
  dlib::resizable_tensor x;
  network.to_tensor(inputs.begin(), inputs.end(), x);
  const auto step = [&] {
    network.compute_loss(x, targets.begin());
    network.back_propagate_error(x);
    network.update_parameters(dlib::make_sstack(solvers), 1e-4);
  };
  for (int i = 0; i < 3; ++i) step();
  return repeat_for(seconds, step);
}

double predict(int batch, double seconds) {
  Network<dlib::affine> network;
  const Images inputs = images(batch);
  dlib::resizable_tensor x;
  network.to_tensor(inputs.begin(), inputs.end(), x);
  const auto step = [&] { network.subnet().forward(x); };
  for (int i = 0; i < 3; ++i) step();
  return repeat_for(seconds, step);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("ResNet-18 in dlib, for the comparison with others");
  std::string task;
  int batch = 1;
  double seconds = 1;
  app.add_option("task", task)->required()->check(CLI::IsMember({"train", "predict"}));
  app.add_option("--batch", batch)->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);
  nlohmann::json result{{"seconds", task == "train" ? train(batch, seconds) : predict(batch, seconds)}};
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  result["peak_memory"] = usage.ru_maxrss * 1024;
  result["version"] = std::to_string(DLIB_MAJOR_VERSION) + "." + std::to_string(DLIB_MINOR_VERSION);
  std::cout << result << '\n';
}
