// The front door of data sets: sources, views, augmentations, normalisations, the loader. Readers of JPEG and
// of idx files need further libraries and are opened on their own: data/jpeg.hpp, data/idx_dataset.hpp.
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
