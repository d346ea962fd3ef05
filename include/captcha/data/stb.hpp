// Embeds stb_image in our own namespace with internal linkage, so that a program may use stb_image itself, in
// this unit or another, before or after. png.hpp includes this file; so does jpeg.hpp, with CAPTCHA_STB_JPEG
// defined, for a second copy that knows only JPEG. Hence no #pragma once.
//
// stb is configured by macros and leaves macros behind. All of them are saved here, cleared where they change
// what stb compiles to, and given back at the end. The standard headers come first: inside a namespace they
// must find their guards closed.
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC system_header  // stb's warnings are not ours; both compilers obey this

#define CAPTCHA_PRAGMA(text) _Pragma(#text)
#define CAPTCHA_PUSH(name) CAPTCHA_PRAGMA(push_macro(name))
#define CAPTCHA_POP(name) CAPTCHA_PRAGMA(pop_macro(name))
// clang-format off
#define CAPTCHA_STB_MACROS(f)                                                                                 \
  f("FAST_BITS") f("STBIDEF") f("STBI_ASSERT") f("STBI_EXTERN") f("STBI_FAILURE_USERMSG")                     \
  f("STBI_FREE") f("STBI_HAS_LROTL") f("STBI_INCLUDE_STB_IMAGE_H") f("STBI_MALLOC")                           \
  f("STBI_MAX_DIMENSIONS") f("STBI_NEON") f("STBI_NOTUSED") f("STBI_NO_BMP")                                  \
  f("STBI_NO_FAILURE_STRINGS") f("STBI_NO_GIF") f("STBI_NO_HDR") f("STBI_NO_JPEG") f("STBI_NO_LINEAR")        \
  f("STBI_NO_PIC") f("STBI_NO_PNG") f("STBI_NO_PNM") f("STBI_NO_PSD") f("STBI_NO_SIMD")                       \
  f("STBI_NO_STDIO") f("STBI_NO_TGA") f("STBI_NO_THREAD_LOCALS") f("STBI_NO_ZLIB") f("STBI_ONLY_BMP")         \
  f("STBI_ONLY_GIF") f("STBI_ONLY_HDR") f("STBI_ONLY_JPEG") f("STBI_ONLY_PIC") f("STBI_ONLY_PNG")             \
  f("STBI_ONLY_PNM") f("STBI_ONLY_PSD") f("STBI_ONLY_TGA") f("STBI_REALLOC") f("STBI_REALLOC_SIZED")          \
  f("STBI_SIMD_ALIGN") f("STBI_SSE2") f("STBI_SUPPORT_ZLIB") f("STBI_THREAD_LOCAL") f("STBI_VERSION")         \
  f("STBI_WINDOWS_UTF8") f("STBI__BYTECAST") f("STBI__CASE") f("STBI__COMBO") f("STBI__IDCT_1D")              \
  f("STBI__MARKER_none") f("STBI__PNG_TYPE") f("STBI__RESTART") f("STBI__X64_TARGET")                         \
  f("STBI__X86_TARGET") f("STBI__ZFAST_BITS") f("STBI__ZFAST_MASK") f("STBI__ZNSYMS")                         \
  f("STB_IMAGE_IMPLEMENTATION") f("STB_IMAGE_STATIC") f("stbi__DNL") f("stbi__EOI") f("stbi__SOF")            \
  f("stbi__SOF_progressive") f("stbi__SOI") f("stbi__SOS") f("stbi__de_iphone_flag") f("stbi__div16")         \
  f("stbi__div4") f("stbi__err") f("stbi__errpf") f("stbi__errpuc") f("stbi__f2f")                            \
  f("stbi__float2fixed") f("stbi__fsh") f("stbi__unpremultiply_on_load")                                      \
  f("stbi__vertically_flip_on_load") f("stbi_inline") f("stbi_lrot")
// clang-format on
CAPTCHA_STB_MACROS(CAPTCHA_PUSH)

#undef STBIDEF
#undef STBI_ASSERT
#undef STBI_FAILURE_USERMSG
#undef STBI_FREE
#undef STBI_INCLUDE_STB_IMAGE_H
#undef STBI_MALLOC
#undef STBI_MAX_DIMENSIONS
#undef STBI_NEON
#undef STBI_NO_BMP
#undef STBI_NO_FAILURE_STRINGS
#undef STBI_NO_GIF
#undef STBI_NO_HDR
#undef STBI_NO_JPEG
#undef STBI_NO_LINEAR
#undef STBI_NO_PIC
#undef STBI_NO_PNG
#undef STBI_NO_PNM
#undef STBI_NO_PSD
#undef STBI_NO_SIMD
#undef STBI_NO_STDIO
#undef STBI_NO_TGA
#undef STBI_NO_THREAD_LOCALS
#undef STBI_NO_ZLIB
#undef STBI_ONLY_BMP
#undef STBI_ONLY_GIF
#undef STBI_ONLY_HDR
#undef STBI_ONLY_JPEG
#undef STBI_ONLY_PIC
#undef STBI_ONLY_PNG
#undef STBI_ONLY_PNM
#undef STBI_ONLY_PSD
#undef STBI_ONLY_TGA
#undef STBI_REALLOC
#undef STBI_REALLOC_SIZED
#undef STBI_SIMD_ALIGN
#undef STBI_SSE2
#undef STBI_SUPPORT_ZLIB
#undef STBI_THREAD_LOCAL
#undef STBI_WINDOWS_UTF8
#undef STB_IMAGE_IMPLEMENTATION
#undef STB_IMAGE_STATIC
#undef stbi__err

#define STBIDEF static
#define STBI_INCLUDE_STB_IMAGE_H
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_SIMD
#define STBI_MAX_DIMENSIONS 512
#define STBI_ASSERT(condition) ((void)sizeof(condition))  // a bad file must end in an error, never in abort

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("O1")  // at -O3 stb alone costs 3.4 s of compile time, at -O1 0.9 s
#endif

#ifndef CAPTCHA_STB_COMMON
#define CAPTCHA_STB_COMMON
// In place of the header part of stb_image.h, which declares its functions extern "C": static functions of
// that kind keep their plain names in the object file, and would clash with those of a program that
// implements stb.
namespace captcha::stb {
using stbi_uc = unsigned char;
using stbi_us = unsigned short;
struct stbi_io_callbacks {
  int (*read)(void* user, char* data, int size);
  void (*skip)(void* user, int count);
  int (*eof)(void* user);
};
enum { STBI_default, STBI_grey, STBI_grey_alpha, STBI_rgb, STBI_rgb_alpha };
}  // namespace captcha::stb
#endif

#if defined(CAPTCHA_STB_JPEG) && !defined(CAPTCHA_STB_JPEG_DONE)
#define CAPTCHA_STB_JPEG_DONE
#define STBI_ONLY_JPEG
namespace captcha::stb::jpeg {
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
}  // namespace captcha::stb::jpeg
#endif

#if !defined(CAPTCHA_STB_JPEG) && !defined(CAPTCHA_STB_PNG_DONE)
#define CAPTCHA_STB_PNG_DONE
#define STBI_ONLY_PNG
namespace captcha::stb::png {
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
}  // namespace captcha::stb::png
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

CAPTCHA_STB_MACROS(CAPTCHA_POP)
#undef CAPTCHA_STB_MACROS
#undef CAPTCHA_POP
#undef CAPTCHA_PUSH
#undef CAPTCHA_PRAGMA
