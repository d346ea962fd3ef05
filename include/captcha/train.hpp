// Front door: training any network on any data set.
#pragma once

#include <captcha/data.hpp>
#include <captcha/io/weights_file.hpp>
#include <captcha/metric/calibration.hpp>
#include <captcha/optim/adam.hpp>
#include <captcha/optim/schedule.hpp>
#include <captcha/optim/sgd.hpp>
#include <captcha/train/fit.hpp>
#include <captcha/train/progress.hpp>
#include <captcha/train/rate_finder.hpp>
#include <captcha/train/stop_on_signal.hpp>
#include <captcha/train/tensorboard.hpp>
