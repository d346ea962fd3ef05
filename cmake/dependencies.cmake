# What the headers of captcha use, found the same way by this build and by the installed package.
# Defines captcha::dependencies; names what was not found, with its Debian package, in captcha_missing.

set(captcha_missing "")
macro(captcha_needs found what)
  if(NOT ${found})
    string(APPEND captcha_missing "${what} ")
  endif()
endmacro()

# Global, so that a project that adds captcha as a sub-directory sees them too.
set(captcha_targets_global "${CMAKE_FIND_PACKAGE_TARGETS_GLOBAL}")
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(Threads QUIET)
find_package(xtensor QUIET)
find_package(ZLIB QUIET)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL "${captcha_targets_global}")
captcha_needs(Threads_FOUND "threads")
captcha_needs(xtensor_FOUND "xtensor (libxtensor-dev)")
captcha_needs(ZLIB_FOUND "zlib (zlib1g-dev)")

# xtensor-blas is headers; its own package would bring whichever BLAS is the system's default. OpenBLAS is
# named here because one thread inside a partition is asked of it by name. `openblas_config.h` marks its own
# cblas.h: the one in the plain include folder may belong to the reference BLAS.
find_path(CAPTCHA_XTENSOR_BLAS_INCLUDE xtensor-blas/xlinalg.hpp)
find_path(CAPTCHA_OPENBLAS_INCLUDE openblas_config.h
          PATH_SUFFIXES openblas-pthread openblas openblas-openmp openblas-serial)
find_library(CAPTCHA_OPENBLAS_LIBRARY openblas)
find_path(CAPTCHA_STB_INCLUDE stb/stb_image.h)
find_path(CAPTCHA_XXHASH_INCLUDE xxhash.h)
mark_as_advanced(CAPTCHA_XTENSOR_BLAS_INCLUDE CAPTCHA_OPENBLAS_INCLUDE CAPTCHA_OPENBLAS_LIBRARY
                 CAPTCHA_STB_INCLUDE CAPTCHA_XXHASH_INCLUDE)
captcha_needs(CAPTCHA_XTENSOR_BLAS_INCLUDE "xtensor-blas (libxtensor-blas-dev)")
captcha_needs(CAPTCHA_OPENBLAS_INCLUDE "OpenBLAS headers (libopenblas-pthread-dev)")
captcha_needs(CAPTCHA_OPENBLAS_LIBRARY "OpenBLAS (libopenblas-pthread-dev)")
captcha_needs(CAPTCHA_STB_INCLUDE "stb (libstb-dev)")
captcha_needs(CAPTCHA_XXHASH_INCLUDE "xxHash (libxxhash-dev)")
string(STRIP "${captcha_missing}" captcha_missing)

if(NOT captcha_missing AND NOT TARGET captcha::dependencies)
  add_library(captcha::dependencies INTERFACE IMPORTED GLOBAL)
  target_include_directories(
    captcha::dependencies INTERFACE "${CAPTCHA_OPENBLAS_INCLUDE}" "${CAPTCHA_XTENSOR_BLAS_INCLUDE}"
                                    "${CAPTCHA_STB_INCLUDE}" "${CAPTCHA_XXHASH_INCLUDE}")
  target_link_libraries(captcha::dependencies INTERFACE xtensor ZLIB::ZLIB Threads::Threads
                                                        "${CAPTCHA_OPENBLAS_LIBRARY}")
endif()
