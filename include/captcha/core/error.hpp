// One exception type for everything that can go wrong at run time with files, data or options.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace captcha {

/// An error a user can act on. `what()` is one line that says where, what happened, what was expected and
/// what to do: `x_12.png: 48 x 50 pixels, expected 32 x 52; use --resize to accept it`.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A loss, gradient, weight or statistic that is not a number, infinite, or too large to be squared.
struct NotANumber : Error {
  explicit NotANumber(const std::string& what, std::vector<std::size_t> suspects = {})
      : Error(what), samples(std::move(suspects)) {}

  std::vector<std::size_t> samples;  ///< of the data set: the one at fault, or all of the batch
};

}  // namespace captcha
