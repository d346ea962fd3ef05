// The front door of testing: the rulers that this library measures its own layers with, for layers of yours.
#pragma once

#include <captcha/testing/compare.hpp>
#include <captcha/testing/conformance.hpp>
#include <captcha/testing/gradcheck.hpp>
#include <captcha/testing/values.hpp>
