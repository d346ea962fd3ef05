// The two rulers of captcha/testing laid on one layer.
#pragma once

#include <captcha/testing/conformance.hpp>
#include <captcha/testing/gradcheck.hpp>

#include "catch.hpp"

/// Layer or network L has right gradients and keeps the contract on samples of shape S.
template <class L, captcha::Shape S>
void expect_right(const captcha::GradientOptions& gradients = {},
                  const captcha::ConformanceOptions& conformance = {}) {
  const auto derivatives = captcha::check_gradients<L, S>(gradients);
  INFO(derivatives.message);
  CHECK(derivatives.ok());
  const auto contract = captcha::check_conformance<L, S>(conformance);
  INFO(contract.message);
  CHECK(contract.ok());
}
