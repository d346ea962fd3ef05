# One consumer project, from nothing to a program that ran:
#   cmake -D way=find_package|add_subdirectory|fetch_content -D source=DIR -D build=DIR -D work=DIR
#         -D generator=NAME -D compiler=PATH -D launcher=PATH -P check.cmake
# It works on a copy outside our sources, and gives captcha to the consumer in the way under test.

cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work}
                  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message("${output}")
    message(FATAL_ERROR "failed: ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${work})
file(COPY ${source}/tests/consumers/${way}/CMakeLists.txt ${source}/tests/consumers/main.cpp DESTINATION ${work})

if(way STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix)
  set(given -D CMAKE_PREFIX_PATH=${work}/prefix)
elseif(way STREQUAL "add_subdirectory")
  set(given -D CAPTCHA_SOURCE=${source})
elseif(way STREQUAL "fetch_content")
  file(COPY ${source}/include ${source}/cmake ${source}/CMakeLists.txt ${source}/LICENSE DESTINATION ${work}/captcha)
  run(${CMAKE_COMMAND} -E tar czf captcha.tar.gz captcha)
  set(given -D CAPTCHA_ARCHIVE=${work}/captcha.tar.gz)
endif()

# What only our own programs use must not be asked of a consumer.
foreach(package CLI11 Freetype nlohmann_json tomlplusplus)
  list(APPEND given -D CMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
run(${CMAKE_COMMAND} -S ${work} -B ${work}/build -G ${generator} -D CMAKE_BUILD_TYPE=Release ${given}
    -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_COMPILER_LAUNCHER=${launcher})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer_captcha)
run(${work}/build/consumer_compiled)
