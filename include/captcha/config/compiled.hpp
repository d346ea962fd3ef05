// Header-only or compiled once.
//
// The library is headers, and a program that includes them compiles all that it uses. What does not depend on
// the type of a network (kernels, files, images) may instead be compiled once for all files of a program:
// define CAPTCHA_COMPILED in every one of them, and CAPTCHA_COMPILING too in one that includes
// <captcha/captcha.hpp> and nothing else. The CMake target captcha::compiled does both.
#pragma once

#if !defined(CAPTCHA_COMPILED)
#define CAPTCHA_DEFINED_HERE 1
#define CAPTCHA_INLINE inline
#elif defined(CAPTCHA_COMPILING)
#define CAPTCHA_DEFINED_HERE 1
#define CAPTCHA_INLINE
#define CAPTCHA_INSTANTIATE template
#else
#define CAPTCHA_DEFINED_HERE 0
#define CAPTCHA_INLINE
#define CAPTCHA_INSTANTIATE extern template
#endif
