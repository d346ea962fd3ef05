// One exception type for everything that can go wrong at run time with files, data or options.
#pragma once

#include <stdexcept>
#include <string>

namespace captcha {

/// An error a user can act on. `what()` is one line that says where, what happened, what was expected and
/// what to do: `x_12.png: 48 x 50 pixels, expected 32 x 52; use --resize to accept it`.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A loss that is not a number, or infinite.
struct NotANumber : Error {
  using Error::Error;
};

}  // namespace captcha
