// Everything but the opt-in headers data/jpeg.hpp and data/idx.hpp.
#pragma once

#include <captcha/data.hpp>
#include <captcha/layers.hpp>
#include <captcha/models/mlp.hpp>
#include <captcha/resnet.hpp>
#include <captcha/train.hpp>
