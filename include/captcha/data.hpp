// The front door of data sets: sources, views, augmentations, normalisations, the loader. What needs further
// libraries is opened on its own: data/jpeg.hpp, data/idx_dataset.hpp, data/xtensor.hpp.
#pragma once

#include <captcha/data/arrays.hpp>
#include <captcha/data/augment.hpp>
#include <captcha/data/batch.hpp>
#include <captcha/data/dataset.hpp>
#include <captcha/data/folder.hpp>
#include <captcha/data/image.hpp>
#include <captcha/data/loader.hpp>
#include <captcha/data/normalise.hpp>
#include <captcha/data/png.hpp>
#include <captcha/data/views.hpp>
