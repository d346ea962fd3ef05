// Everything but testing.hpp and the opt-in headers data/jpeg.hpp and data/idx_dataset.hpp.
#pragma once

#include <captcha/data.hpp>
#include <captcha/data/xtensor.hpp>
#include <captcha/io/embedded.hpp>
#include <captcha/io/onnx.hpp>
#include <captcha/layers.hpp>
#include <captcha/models/mlp.hpp>
#include <captcha/resnet.hpp>
#include <captcha/train.hpp>
