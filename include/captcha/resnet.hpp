// Front door: the ResNet family, its weights, prediction with them, and why they predict what they do.
#pragma once

#include <captcha/model/grad_cam.hpp>
#include <captcha/model/inference.hpp>
#include <captcha/model/predictor.hpp>
#include <captcha/model/summary.hpp>
#include <captcha/model/tape.hpp>
#include <captcha/model/weights.hpp>
#include <captcha/models/resnet.hpp>
