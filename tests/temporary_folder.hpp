// A folder for one test.
#pragma once

#include <filesystem>
#include <system_error>

/// An empty folder, removed with all that is in it at the end of the test. Its name need not differ between
/// tests: tests/main.cpp gives every process a temporary directory of its own.
struct TemporaryFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "folder";

  TemporaryFolder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};
