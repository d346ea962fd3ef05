# Writes the files of a folder into a C++ file, so that a program needs none beside it:
#   cmake -D folder=… -D output=… -P embed.cmake
# The types of examples/captcha/serve/assets.hpp; a page NAME.html goes by /NAME, index.html by /.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_json "application/json")
set(type_svg "image/svg+xml")

file(GLOB files ${folder}/*)
list(SORT files)
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  cmake_path(GET file EXTENSION LAST_ONLY extension)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "${file}: of no type that embed.cmake knows")
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  set(path "/${name}.${extension}")
  if(extension STREQUAL "html")
    set(path "/${name}")
  endif()
  if(path STREQUAL "/index")
    set(path "/")
  endif()
  string(APPEND arrays "constexpr char bytes_${number}[] = {${bytes}};\n")
  string(APPEND table "    {\"${path}\", \"${type_${extension}}\", {bytes_${number}, sizeof bytes_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${output} "// Made by cmake/embed.cmake.
#include \"assets.hpp\"

namespace captcha::app {
namespace {

${arrays}
constexpr Asset all[] = {
${table}};

}  // namespace

std::span<const Asset> assets() {
  return all;
}

}  // namespace captcha::app
")
