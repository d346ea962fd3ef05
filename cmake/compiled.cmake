# captcha::compiled: what does not depend on the type of a network, compiled once for all files of a program
# instead of in each of them. Whoever links it defines CAPTCHA_COMPILED; include/captcha/config/compiled.hpp
# says what that does. All files of a program link captcha::captcha, or all link captcha::compiled.
if(TARGET captcha_compiled)
  return()
endif()
set(captcha_source ${CMAKE_CURRENT_BINARY_DIR}/captcha_compiled.cpp)
file(CONFIGURE OUTPUT ${captcha_source} CONTENT "#define CAPTCHA_COMPILING\n#include <captcha/captcha.hpp>\n")
add_library(captcha_compiled STATIC EXCLUDE_FROM_ALL ${captcha_source})
add_library(captcha::compiled ALIAS captcha_compiled)
target_compile_definitions(captcha_compiled PUBLIC CAPTCHA_COMPILED)
target_link_libraries(captcha_compiled PUBLIC captcha::captcha)
