// The main program of every test executable. Each run gets a temporary directory of its own, removed at the
// end: test cases that ctest runs side by side cannot meet in a file, and nothing is left behind.
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  std::string directory = (std::filesystem::temp_directory_path() / "captcha-test-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr || setenv("TMPDIR", directory.c_str(), 1) != 0) {
    std::cerr << directory
              << ": cannot make a temporary directory; set TMPDIR to a folder one can write to\n";
    return EXIT_FAILURE;
  }
  const int failed = Catch::Session().run(argc, argv);
  std::filesystem::remove_all(directory);
  return failed;
}
