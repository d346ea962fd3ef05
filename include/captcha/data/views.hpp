// All views of data sets. A view is a data set again, so they compose by plain calls:
// map(take(shuffle(data, 1), 1000), Standardise{}).
#pragma once

#include <captcha/data/concat.hpp>
#include <captcha/data/map.hpp>
#include <captcha/data/mixup.hpp>
#include <captcha/data/neighbours.hpp>
#include <captcha/data/pad.hpp>
#include <captcha/data/split.hpp>
#include <captcha/data/subset.hpp>
