// Made the files of this folder, once; no build runs it. For a new format: compile it against the headers
// that write that format, run it with the name of a new folder, add the folder, and a line to
// golden.test.cpp.
//   format1: the headers of commit 3626920 (`git archive 3626920 include | tar x -C FOLDER`), 2026-11-25
//   format2: the headers of the commit that added this file
//   format3: the headers of the commit that added that folder
//   packed1: packed weights of format 1, made of format2/final.safetensors: make_golden pack FROM TO
// g++ -std=c++20 -O2 -I FOLDER/include make_golden.cpp -o make_golden -lz -lopenblas -pthread
// Kept are last.safetensors or checkpoint-00000010.safetensors and best.safetensors of `stopped`, a run that
// ended after its second epoch; checkpoint-00000013.safetensors of `within`, one that ended after step 13
// (format 1 cannot save within an epoch); and final.safetensors of `whole`, one that nothing stopped. It
// prints the hashes that golden.test.cpp expects of the models.
#include <captcha/io/packed_file.hpp>

#include "golden.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

template <class... Callbacks>
captcha::Weights<golden::Network> train(const std::filesystem::path& folder, Callbacks... callbacks) {
  captcha::Weights<golden::Network> weights(3);
  captcha::fit(weights, golden::Stripes{}, golden::Stripes{20}, golden::options(folder), callbacks...);
  return weights;
}

void print_hash(const std::filesystem::path& model) {
  captcha::Weights<golden::Network> weights(1);
  captcha::load_weights(model, weights);
  std::printf("%s: 0x%016llx\n", model.c_str(), static_cast<unsigned long long>(golden::hash_of(weights)));
}

void pack(const std::filesystem::path& model, const std::filesystem::path& to) {
  captcha::Weights<golden::Network> weights(1);
  captcha::load_weights(model, weights);
  const auto packed = captcha::pack<golden::Stripes::shape>(weights);
  captcha::save_packed(to, packed, captcha::to_metadata(golden::options({}).info, weights.slots()));
  std::printf("%s: 0x%016llx\n", to.c_str(),
              static_cast<unsigned long long>(golden::hash_of(packed.values())));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "pack") {
    pack(argv[2], argv[3]);
    return EXIT_SUCCESS;
  }
  if (argc != 2) return EXIT_FAILURE;
  const std::filesystem::path folder = argv[1];
  train(folder / "stopped", golden::StopAfterEpoch{2});
  train(folder / "within", golden::StopAfterStep{13});
  train(folder / "whole");
  print_hash(folder / "stopped" / "best.safetensors");
  print_hash(folder / "whole" / "final.safetensors");
}
