# One must-not-compile test: cmake -D source=F.cpp -D compiler=PATH -D kind=g++|clang++ -D includes=DIRS -P check.cmake
#
# F.cpp must not compile, and what the compiler says must hold every text that the file expects:
#   // expect: TEXT            from both compilers
#   // expect-g++: TEXT        from g++ only; likewise expect-clang++
# TEXT is looked for as it stands, then as a regular expression (CMake's), in the messages alone, without the
# source lines that compilers repeat. Compiled with -D FIXED the same file must compile: whatever is wrong in it
# is wrong for the reason it states.

cmake_minimum_required(VERSION 3.25)
set(ENV{LC_ALL} C)  # plain quotation marks in messages
list(TRANSFORM includes PREPEND -I OUTPUT_VARIABLE flags)
list(PREPEND flags -std=c++20 -fsyntax-only)
if(kind STREQUAL "g++")
  list(APPEND flags -fno-diagnostics-show-caret)
else()
  list(APPEND flags -fno-caret-diagnostics)
endif()

function(compile result output)
  execute_process(COMMAND ${compiler} ${flags} ${ARGN} ${source}
                  RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} "${code}" PARENT_SCOPE)
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

file(STRINGS ${source} expectations REGEX "^ *// expect(-g\\+\\+|-clang\\+\\+)?: ")
if(NOT expectations)
  message(FATAL_ERROR "${source}: no line \"// expect: TEXT\"; say which message the compiler must give")
endif()
file(STRINGS ${source} fixed REGEX "FIXED" LIMIT_COUNT 1)
if(NOT fixed)
  message(FATAL_ERROR "${source}: no FIXED; put the code that must compile under \"#ifdef FIXED\"")
endif()

compile(code output)
if(code EQUAL 0)
  message(FATAL_ERROR "${source}: compiles with ${kind}, but must not")
endif()
set(checked 0)
foreach(line IN LISTS expectations)
  string(REGEX MATCH "// expect([^:]*): (.*)" line "${line}")
  if("${CMAKE_MATCH_1}" STREQUAL "" OR "${CMAKE_MATCH_1}" STREQUAL "-${kind}")
    set(expected "${CMAKE_MATCH_2}")
    math(EXPR checked "${checked} + 1")
    string(FIND "${output}" "${expected}" at)
    if(at EQUAL -1 AND NOT output MATCHES "${expected}")
      message("${output}")
      message(FATAL_ERROR "${source}: expected of ${kind}: ${expected}")
    endif()
  endif()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "${source}: expects nothing of ${kind}; add a line \"// expect: TEXT\"")
endif()

compile(code output -DFIXED)
if(NOT code EQUAL 0)
  message("${output}")
  message(FATAL_ERROR "${source}: must compile with -D FIXED, with ${kind} too")
endif()
