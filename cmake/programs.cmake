# How our own programs (application, examples, tests, benchmarks) are compiled: they link captcha_program.
add_library(captcha_program INTERFACE)
target_link_libraries(captcha_program INTERFACE captcha)
target_compile_options(captcha_program INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in std::string's operator+ (GCC bug 105651) and uninitialised members of temporaries
  # that are not there.
  target_compile_options(captcha_program INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()

# Our programs of many files link captcha_compiled; the examples, which show what a user does first, and most
# tests take the headers alone.
target_link_libraries(captcha_compiled PRIVATE captcha_program)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_COMPILE_WARNING_AS_ERROR ON)  # `cmake --compile-no-warning-as-error` turns it off
endif()

if(CAPTCHA_NATIVE)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-march=native CAPTCHA_HAS_MARCH_NATIVE)
  if(CAPTCHA_HAS_MARCH_NATIVE)
    target_compile_options(captcha_program INTERFACE -march=native)
  endif()
endif()

find_program(CAPTCHA_CCACHE ccache)
mark_as_advanced(CAPTCHA_CCACHE)
if(CAPTCHA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CAPTCHA_CCACHE})
endif()
