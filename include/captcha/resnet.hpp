// Front door: the ResNet family, its weights, and prediction with them.
#pragma once

#include <captcha/model/grad_cam.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/model/summary.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/models/resnet.hpp>
