// Reads CAPTCHAs with whichever model a file holds.
#pragma once

#include "cut_solver.hpp"
#include "model_file.hpp"
#include "solver.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace captcha::app {

/// Reads some CAPTCHAs of 200 x 50 pixels.
using CaptchaReader = std::function<std::vector<Reading>(std::span<const Image>)>;

/// Of a model of `captcha train-solver`, which is the better and the faster one, or of `captcha train`, whose
/// characters must be found first. Error when the file is damaged or holds neither.
inline CaptchaReader captcha_reader(const std::filesystem::path& model, int threads) {
  if (architecture_of(model) == character_architecture)
    return [solver = std::make_shared<CutSolver>(load_model(model), threads)](
               std::span<const Image> captchas) { return (*solver)(captchas); };
  return [solver = std::make_shared<const Solver>(model, threads)](std::span<const Image> captchas) {
    return (*solver)(captchas);
  };
}

}  // namespace captcha::app
