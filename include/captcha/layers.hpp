// Front door: every layer and every composition.
#pragma once

#include <captcha/compose/chain.hpp>
#include <captcha/compose/named.hpp>
#include <captcha/compose/residual.hpp>
#include <captcha/compose/sequential.hpp>
#include <captcha/layers/batch_norm2d.hpp>
#include <captcha/layers/conv2d.hpp>
#include <captcha/layers/dropout.hpp>
#include <captcha/layers/flatten.hpp>
#include <captcha/layers/identity.hpp>
#include <captcha/layers/linear.hpp>
#include <captcha/layers/pool.hpp>
#include <captcha/layers/relu.hpp>
